//! Texts that people and plugins write.

use std::path::{Component, Path};
use std::sync::{Arc, OnceLock};

use archwright_build::manifest::Manifest;
use archwright_plugin::internals;
use archwright_search::experiment::ExperimentFile;
use archwright_space::genotype::Genotype;
use archwright_space::{Context, Definition, Encoding, Space, bundled};
use serde_json::{Map, Value, json};

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Space files: what is a space answers every question.
pub(crate) fn space_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(definition) = Definition::parse(text) else { return };
    let Ok(space) = Space::new(Arc::new(definition), Context::full(vec![1, 8, 8], 10)) else { return };
    let sample = space.sample(0);
    assert_eq!(space.check(&sample), Ok(()), "a sample is a point");
    let mutant = space.mutate(&sample, 1);
    assert!(mutant.is_ok_and(|mutant| space.check(&mutant).is_ok()), "a mutant is a point");
    space.size();
    for encoding in [Encoding::OneHot, Encoding::Adjacency, Encoding::Path] {
        let _ = space.encode(&sample, encoding);
    }
    if let Ok(network) = space.build(&sample) {
        assert_eq!(network.simplify(), network, "a built network is simplified");
        let _ = network.fingerprint();
    }
}

pub(crate) fn space_files() -> Vec<Vec<u8>> {
    bundled::names().iter().filter_map(|name| bundled::source(name)).map(|text| text.as_bytes().to_vec()).collect()
}

fn read_experiment(text: &str) -> Option<ExperimentFile> {
    ExperimentFile::from_text("experiment.toml", text, Path::new(".")).ok()
}

/// Experiment files: full settings read back equal.
pub(crate) fn experiment(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(read) = read_experiment(text) else { return };
    let settings = toml::to_string(&read.experiment).unwrap();
    let again = read_experiment(&settings).unwrap_or_else(|| panic!("full settings are an experiment: {settings}"));
    // NaN is refused, so equality holds for every value.
    assert_eq!(again.experiment, read.experiment);
}

pub(crate) fn experiments() -> Vec<Vec<u8>> {
    texts(&[
        "[space]\nuse = \"chain\"\n[strategy]\nuse = \"random\"\n[estimator]\nuse = \"full-training\"\n[task]\ndata = \
         \"digits\"\n[budget]\nqueries = 6\n",
        "[space]\nuse = \"./a.toml\"\nwidth = 3\n[strategy]\nuse = \"random\"\n[estimator]\nuse = \"x\"\n[task]\ndata = \
         \"digits\"\nobjectives = [\"accuracy\", \"parameters\"]\n[task.recipe]\nepochs = 2\n[budget]\ntime = \"3 min\"\n\
         [limits]\nfuel_per_call = 1\n[engine]\nnan = \"native\"\npatience = \"1s\"\n[run]\nworkers = 2\n[constraints]\n\
         parameters = 1000\n",
    ])
}

/// A cell space, an edge space and a matrix space, where they are bundled.
fn genotype_spaces() -> &'static [Space] {
    static SPACES: OnceLock<Vec<Space>> = OnceLock::new();
    SPACES.get_or_init(|| {
        let sources = bundled::names().iter().filter_map(|name| bundled::source(name));
        let definitions = sources.filter_map(|text| Definition::parse(text).ok());
        definitions
            .filter_map(|definition| Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).ok())
            .collect()
    })
}

/// Manifests of plugins' projects: what is read is written and read back equal.
pub(crate) fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(manifest) = Manifest::parse("plugin.toml", text) else { return };
    let text = toml::to_string(&manifest).unwrap();
    let again =
        Manifest::parse("plugin.toml", &text).unwrap_or_else(|error| panic!("it is a manifest: {error}: {text}"));
    assert_eq!(again, manifest);
    let output = manifest.output(Path::new("project"));
    assert!(
        output.starts_with("project") && output.components().all(|part| part != Component::ParentDir),
        "{output:?}"
    );
}

pub(crate) fn manifests() -> Vec<Vec<u8>> {
    texts(&[
        "[plugin]\nname = \"annealing\"\nversion = \"0.1.0\"\nkind = \"strategy\"\nlanguage = \"rust\"\n",
        "[plugin]\nname = \"a\"\nversion = \"1.0.0-b+c\"\nkind = \"search-space\"\nlanguage = \"python\"\nlicense = \
         \"MIT\"\n[build]\noutput = \"out/a.wasm\"\n[limits]\nfuel_per_call = 1000000\nmemory_bytes = 9\n",
    ])
}

/// Architectures in the notations of the field: what is read is written the same, and where it is a point, it is that
/// point's.
pub(crate) fn genotype(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(genotype) = Genotype::parse(text) else { return };
    assert_eq!(Genotype::parse(&genotype.to_string()).as_ref(), Ok(&genotype), "what is written is read");
    for space in genotype_spaces() {
        if let Ok(point) = genotype.locate(space) {
            assert_eq!(space.check(&point), Ok(()), "what is located is a point");
        }
    }
}

pub(crate) fn genotypes() -> Vec<Vec<u8>> {
    texts(&[
        "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ('max_pool_3x3', 2), ('dil_conv_5x5', 0)], \
         normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1)], reduce_concat=[2, 3])",
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|",
        "ModelSpec(matrix=[[0, 1, 1], [0, 0, 1], [0, 0, 0]], ops=['input', 'conv3x3-bn-relu', 'output'])",
        "{\"matrix\": [[0, 1], [0, 0]], \"ops\": [\"input\", \"output\"]}",
    ])
}

/// A schema of options and options, as the members of one JSON object: what a schema completes, it leaves as it is.
pub(crate) fn options(data: &[u8]) {
    let Ok(Value::Object(mut both)) = serde_json::from_slice(data) else { return };
    let schema = both.remove("schema").unwrap_or_default();
    let given = match both.remove("given") {
        Some(Value::Object(given)) => given,
        _ => Map::new(),
    };
    if let Ok(Value::Object(complete)) = internals::complete(&schema, &given) {
        let again = internals::complete(&schema, &complete);
        assert_eq!(again, Ok(Value::Object(complete)), "complete options stay as they are");
    }
}

pub(crate) fn schemas() -> Vec<Vec<u8>> {
    let schema = json!({
        "type": "object",
        "properties": {
            "size": { "type": "integer", "format": "uint32", "minimum": 1, "default": 10 },
            "rate": { "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5 },
            "mode": { "$ref": "#/$defs/Mode", "default": "first" },
            "rungs": { "type": ["array", "null"], "items": { "type": "integer" }, "uniqueItems": true, "maxItems": 3 },
            "kernel": { "type": "object", "properties": { "scale": { "type": "number", "default": 1.0 } } },
            "any": { "anyOf": [{ "type": "null" }, { "type": "string", "minLength": 1 }] },
        },
        "required": ["size"],
        "additionalProperties": { "type": "boolean" },
        "$defs": { "Mode": { "enum": ["first", "second"] } },
    });
    let given = json!({ "size": 3, "rate": 1, "mode": "second", "rungs": [1, 2], "kernel": {}, "any": "x", "b": true });
    let both = [json!({ "schema": schema, "given": given }), json!({ "schema": schema, "given": {} })];
    both.map(|one| one.to_string().into_bytes()).into()
}

/// What a plugin says of itself, as JSON: what is accepted is fit to show.
pub(crate) fn description(data: &[u8]) {
    let Ok((texts, entries)) = serde_json::from_slice::<([String; 4], Vec<String>)>(data) else { return };
    let [name, version, summary, _] = &texts;
    let shown = [vec![name.clone(), version.clone(), summary.clone()], entries.clone()].concat();
    match internals::describe(texts, entries) {
        Ok(()) => assert!(shown.iter().all(|text| !text.contains(char::is_control)), "{shown:?}"),
        Err(problem) => assert!(!problem.contains(char::is_control), "{problem:?}"),
    }
}

pub(crate) fn descriptions() -> Vec<Vec<u8>> {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer", "description": "One.\nTwo." } } });
    let given = json!([["a-name", "1.0.0", "A summary.", schema.to_string()], ["arXiv:1802.01548", "gradients"]]);
    vec![given.to_string().into_bytes()]
}

/// The section of a component in which it lowers its limits.
pub(crate) fn wishes(data: &[u8]) {
    if let Err(problem) = internals::wishes(data) {
        assert!(!problem.contains(char::is_control), "{problem:?}");
    }
}

pub(crate) fn sections() -> Vec<Vec<u8>> {
    texts(&["{}", "{ \"fuel_per_call\": 1000, \"memory_bytes\": 65536 }", "{ \"handles\": -1 }"])
}
