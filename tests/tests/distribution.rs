//! Plugins of a project: from files, addresses and registries, with a lock.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use archwright_tests::{Bench, PASSWORD, Registry, Site, answer, experiment, program, stderr, unwrapped};
use serde_json::Value;

/// A component to hand around: a bundled one, which is used under another name.
fn component(name: &str) -> PathBuf {
    program().parent().unwrap().join("plugins/strategies").join(format!("{name}.wasm"))
}

fn digest(path: &Path) -> String {
    format!("blake3:{}", blake3::hash(&fs::read(path).unwrap()).to_hex())
}

/// A bench whose strategy `mine` is a file of its own.
fn bench_with_file() -> Bench {
    let bench = Bench::new();
    fs::copy(component("random"), bench.path().join("mine.wasm")).unwrap();
    bench.json(["plugin", "add", "mine.wasm", "--name", "mine", "--json"]);
    bench
}

fn inspect(bench: &Bench) -> Output {
    bench.output(["plugin", "inspect", "mine", "--json"])
}

/// The message of a command that fails with this exit code; lines that were wrapped for a person are joined.
fn refused(output: &Output, code: i32) -> String {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{message}");
    unwrapped(&message)
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A command that the environment of whoever runs the tests does not change.
fn command<const N: usize>(bench: &Bench, arguments: [&str; N]) -> Command {
    let mut command = bench.command(arguments);
    command.env("DOCKER_CONFIG", bench.path().join("docker"));
    for variable in ["ARCHWRIGHT_REGISTRY", "ARCHWRIGHT_REGISTRY_USER", "ARCHWRIGHT_REGISTRY_PASSWORD"] {
        command.env_remove(variable);
    }
    command
}

fn run<const N: usize>(bench: &Bench, arguments: [&str; N]) -> Output {
    command(bench, arguments).output().unwrap()
}

#[test]
fn an_experiment_uses_a_plugin_of_its_project_by_name() {
    let bench = bench_with_file();
    fs::create_dir(bench.path().join("experiments")).unwrap();
    let text = experiment("use = \"mine\"", "").replace("queries = 6", "queries = 2");
    bench.write("experiments/beside.toml", &text);
    let expected = digest(&component("random"));
    // The project of the current folder is meant where there is none beside the experiment.
    bench.json(["run", "experiments/beside.toml", "--json"]);
    let lock = String::from_utf8(bench.output(["lock"]).stdout).unwrap();
    assert!(lock.contains(expected.strip_prefix("blake3:").unwrap()), "{lock}");
    let listed = bench.json(["plugin", "list", "--json"]);
    let mine = listed.as_array().unwrap().iter().find(|plugin| plugin["name"] == "mine").unwrap();
    assert_eq!(mine["state"], "ready");
    assert_eq!(mine["source"]["path"], "mine.wasm");
    assert_eq!(mine["locked"]["digest"], expected.as_str());
    assert_eq!(mine["locked"]["kind"], "strategy");
    assert_eq!(mine["locked"]["contract"], "0.1.1");
}

#[test]
fn a_file_that_changed_is_used_once_it_is_locked_anew() {
    let bench = bench_with_file();
    let (before, now) = (digest(&component("random")), digest(&component("local-search")));
    fs::copy(component("local-search"), bench.path().join("mine.wasm")).unwrap();
    bench.write("experiment.toml", experiment("use = \"mine\"", ""));
    for output in [bench.output(["run", "experiment.toml"]), inspect(&bench)] {
        let message = refused(&output, 2);
        for part in [before.as_str(), &now, "archwright plugin update mine"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }
    let listed = bench.json(["plugin", "list", "--json"]);
    let mine = listed.as_array().unwrap().iter().find(|plugin| plugin["name"] == "mine").unwrap();
    assert_eq!(mine["state"], "unusable");
    let updated = String::from_utf8(bench.output(["plugin", "update", "mine"]).stdout).unwrap();
    assert!(updated.contains(&format!("{before} -> {now}")), "{updated}");
    assert_eq!(json(&inspect(&bench))["digest"], now.strip_prefix("blake3:").unwrap());
}

#[test]
fn the_folder_of_a_plugins_project_stands_for_what_is_built_there() {
    let bench = Bench::new();
    bench.write(
        "mine/plugin.toml",
        "[plugin]\nname = \"mine\"\nversion = \"0.1.0\"\nkind = \"strategy\"\nlanguage = \"rust\"\n",
    );
    let message = refused(&bench.output(["plugin", "add", "mine", "--name", "mine"]), 2);
    assert!(message.contains("archwright plugin build mine"), "{message}");
    assert!(!bench.path().join("plugins.toml").exists());
    fs::copy(component("random"), bench.path().join("mine/mine.wasm")).unwrap();
    bench.json(["plugin", "add", "mine", "--name", "mine", "--json"]);
    assert_eq!(json(&inspect(&bench))["name"], "random");
    // What was changed and not built is told.
    let told = || unwrapped(&stderr(&bench.output(["plugin", "update", "mine"])));
    assert!(!told().contains("newer"), "{}", told());
    let source = fs::File::create(bench.path().join("mine/app.py")).unwrap();
    source.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
    let message = told();
    assert!(
        message.contains("app.py is newer than what is built") && message.contains("plugin build mine"),
        "{message}"
    );
}

#[test]
fn a_project_is_changed_without_touching_what_else_its_author_wrote() {
    let bench = Bench::new();
    let before = "# What we compare.\n[plugins]\n# Ours.\nmine = { path = \"mine.wasm\" } # as of May\n";
    bench.write("plugins.toml", before);
    fs::copy(component("random"), bench.path().join("mine.wasm")).unwrap();
    let message = refused(&inspect(&bench), 2);
    assert!(message.contains("plugins.lock does not") && message.contains("plugin update mine"), "{message}");
    bench.json(["plugin", "update", "--json"]);
    bench.json(["plugin", "add", "mine.wasm", "--name", "other", "--json"]);
    let text = fs::read_to_string(bench.path().join("plugins.toml")).unwrap();
    assert_eq!(text, format!("{before}other = {{ path = \"mine.wasm\" }}\n"));
    bench.json(["plugin", "remove", "other", "--json"]);
    assert_eq!(fs::read_to_string(bench.path().join("plugins.toml")).unwrap(), before);
    assert!(!fs::read_to_string(bench.path().join("plugins.lock")).unwrap().contains("other"));
    assert!(refused(&bench.output(["plugin", "remove", "other"]), 2).contains("names no plugin `other`"));
    bench.write("plugins.toml", before.replace("mine.wasm", "./mine.wasm"));
    assert!(refused(&inspect(&bench), 2).contains("another source"));
}

#[test]
fn names_that_are_taken_and_files_that_are_no_plugins_are_not_added() {
    let bench = bench_with_file();
    for (arguments, said) in [
        (["plugin", "add", "mine.wasm", "--name", "random"], "a bundled plugin or search space is named `random`"),
        (["plugin", "add", "mine.wasm", "--name", "nas-bench-201"], "a bundled plugin or search space"),
        (["plugin", "add", "mine.wasm", "--name", "mine"], "a plugin of this project is named `mine`"),
        (["plugin", "add", "mine.wasm", "--name", "Not A Name"], "`Not A Name` cannot be the name"),
        (["plugin", "add", "plugins.toml", "--name", "other"], "not a WebAssembly file"),
        (["plugin", "add", "nothing.wasm", "--name", "other"], "cannot be read"),
    ] {
        let message = refused(&bench.output(arguments), 2);
        assert!(message.contains(said), "{said}: {message}");
    }
    // By its own name it would hide the bundled one.
    assert!(refused(&bench.output(["plugin", "add", "mine.wasm"]), 2).contains("--name NAME"));
    let text = fs::read_to_string(bench.path().join("plugins.toml")).unwrap();
    assert_eq!(text, "[plugins]\nmine = { path = \"mine.wasm\" }\n");
}

#[test]
fn mistakes_in_a_project_are_shown_where_they_are() {
    let bench = Bench::new();
    for (text, said) in [
        ("[plugins]\nmine = { file = \"mine.wasm\" }\n", "plugins.toml:2:10: unknown field `file`"),
        ("[plugins]\nmine = { path = \"a\", oci = \"b\" }\n", "exactly one of `path`, `folder`, `url` and `oci`"),
        ("[plugins]\nmine = { url = \"https://plugins.example/a.wasm\" }\n", "needs the `digest`"),
        ("[plugins]\nmine = { url = \"https://a.example\", digest = \"abc\" }\n", "64 hexadecimal digits"),
        ("[plugin]\n", "plugins.toml:1:2: unknown field `plugin`"),
        ("[plugins\n", "plugins.toml:1:9"),
    ] {
        bench.write("plugins.toml", text);
        let message = refused(&inspect(&bench), 2);
        assert!(message.contains(said), "{said}: {message}");
    }
    bench.write("plugins.toml", "[plugins]\nmine = { path = \"mine.wasm\" }\n");
    bench.write("plugins.lock", "form = 2\n");
    assert!(refused(&inspect(&bench), 2).contains("it is of form 2, and this archwright reads form 1"));
}

#[test]
fn the_schema_of_a_projects_plugins_is_printed() {
    let schema = Bench::new().json(["schema", "plugins"]);
    assert_eq!(schema["additionalProperties"], false, "{schema}");
    assert!(schema["$defs"]["Keys"]["properties"]["oci"].is_object(), "{schema}");
}

/// Answers paths as the tests about addresses want it.
fn unreliable(path: &str) -> Vec<u8> {
    let bytes = fs::read(component("random")).unwrap();
    match path {
        "/mine.wasm" => answer("200 OK", "", &bytes),
        "/moved.wasm" => answer("302 Found", "Location: /mine.wasm\r\n", b""),
        "/open.wasm" => answer("302 Found", "Location: http://plugins.example/mine.wasm\r\n", b""),
        "/local.wasm" => answer("302 Found", "Location: http://127.0.0.1:1/mine.wasm\r\n", b""),
        "/circle.wasm" => answer("302 Found", "Location: /circle.wasm\r\n", b""),
        "/cut.wasm" => {
            let mut whole = answer("200 OK", "", &bytes);
            whole.truncate(whole.len() - 100);
            whole
        }
        "/endless.wasm" => {
            let chunk = vec![b' '; 1 << 20];
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
            let chunks = (0..80).flat_map(|_| [b"100000\r\n".as_slice(), &chunk, b"\r\n"].concat());
            head.bytes().chain(chunks).collect()
        }
        "/huge.wasm" => b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n".to_vec(),
        _ => answer("404 Not Found", "", b"nothing here"),
    }
}

#[test]
fn what_lies_at_an_address_is_added_by_its_digest() {
    let bench = Bench::new();
    let site = Site::plain(Box::new(unreliable));
    let url = format!("{}/mine.wasm", site.address);
    let right = digest(&component("random"));
    let wrong = digest(&component("local-search"));

    let message = refused(&run(&bench, ["plugin", "add", &url, "--name", "mine"]), 2);
    for part in [right.as_str(), "strategy `random`", "nothing was added", &format!("--digest {right}")] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let message = refused(&run(&bench, ["plugin", "add", &url, "--name", "mine", "--digest", &wrong]), 2);
    assert!(message.contains(&right) && message.contains(&wrong), "{message}");
    assert!(!bench.path().join("plugins.toml").exists());

    let moved = format!("{}/moved.wasm", site.address);
    json(&run(&bench, ["plugin", "add", &moved, "--name", "mine", "--digest", &right, "--json"]));
    assert_eq!(json(&inspect(&bench))["digest"], right.strip_prefix("blake3:").unwrap());
    json(&run(&bench, ["plugin", "add", &url, "--name", "trusted", "--trust", "--json"]));
    let text = fs::read_to_string(bench.path().join("plugins.toml")).unwrap();
    assert!(text.contains(&format!("trusted = {{ url = \"{url}\", digest = \"{right}\" }}")), "{text}");
    assert!(bench.path().join("store-plugins").join(format!("{}.wasm", &right[7..])).is_file());
}

#[test]
fn addresses_that_cannot_be_relied_on_add_nothing() {
    let bench = Bench::new();
    let site = Site::plain(Box::new(unreliable));
    let at = |path: &str| format!("{}/{path}", site.address);
    for (url, said) in [
        (at("none.wasm"), "404 Not Found"),
        (at("cut.wasm"), "it is cut off"),
        (at("endless.wasm"), "larger than 67108864 bytes"),
        (at("huge.wasm"), "larger than 67108864 bytes"),
        (at("open.wasm"), "http://plugins.example/mine.wasm: plugins come over https:// alone"),
        (at("circle.wasm"), "leads on more than 5 times"),
        ("http://plugins.example/mine.wasm".into(), "plugins come over https:// alone"),
        ("ftp://plugins.example/mine.wasm".into(), "starts with https://"),
        ("http://127.0.0.1:1/mine.wasm".into(), "Connection refused"),
    ] {
        let message = refused(&run(&bench, ["plugin", "add", &url, "--trust"]), 1);
        assert!(message.contains(said), "{said}: {message}");
    }
    assert!(!bench.path().join("plugins.toml").exists());
    assert!(!bench.path().join("store-plugins").exists());
}

#[test]
fn a_site_proves_who_it_is() {
    let bench = Bench::new();
    let site = Site::secure(Box::new(unreliable));
    let url = format!("{}/mine.wasm", site.address);
    let message = refused(&run(&bench, ["plugin", "add", &url, "--name", "mine", "--trust"]), 1);
    assert!(message.contains("certificate"), "{message}");
    let authority = bench.write("authority.pem", site.authority.as_ref().unwrap());
    let known = |arguments: [&str; 7]| command(&bench, arguments).env("SSL_CERT_FILE", &authority).output().unwrap();
    json(&known(["plugin", "add", &url, "--name", "mine", "--trust", "--json"]));
    assert!(inspect(&bench).status.success());
    // From there nothing leads to where anybody could listen.
    let open = format!("{}/open.wasm", site.address);
    let message = refused(&known(["plugin", "add", &open, "--name", "open", "--trust", "--json"]), 1);
    assert!(message.contains("plugins come over https:// alone"), "{message}");
}

#[test]
fn another_machine_fetches_what_the_lock_names() {
    let bench = Bench::new();
    let site = Site::plain(Box::new(unreliable));
    let url = format!("{}/mine.wasm", site.address);
    json(&run(&bench, ["plugin", "add", &url, "--name", "mine", "--trust", "--json"]));
    let digest = digest(&component("random"));

    let there = Bench::new();
    for file in ["plugins.toml", "plugins.lock"] {
        fs::copy(bench.path().join(file), there.path().join(file)).unwrap();
    }
    there.write("experiment.toml", experiment("use = \"mine\"", ""));
    let message = refused(&there.output(["run", "experiment.toml"]), 2);
    for part in ["is not on this machine", &digest, "archwright plugin fetch", "experiment.toml:5"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(json(&run(&there, ["plugin", "fetch", "--json"]))["fetched"][0], "mine");
    assert!(inspect(&there).status.success());

    let kept = there.path().join("store-plugins").join(format!("{}.wasm", &digest[7..]));
    fs::copy(component("local-search"), &kept).unwrap();
    let message = refused(&inspect(&there), 2);
    assert!(message.contains("is damaged") && message.contains(&digest), "{message}");
    assert_eq!(json(&run(&there, ["plugin", "fetch", "--json"]))["fetched"][0], "mine");
    assert!(inspect(&there).status.success());
    assert!(json(&run(&there, ["plugin", "fetch", "--json"]))["fetched"].as_array().unwrap().is_empty());
}

#[test]
fn a_plugin_goes_through_a_registry_unchanged() {
    let Some(registry) = Registry::open() else { return };
    let bench = Bench::new();
    let repository = format!("{}/strategies/mine", registry.host());
    let publish = |name: &str| {
        let file = component(name);
        json(&run(&bench, ["plugin", "publish", file.to_str().unwrap(), &format!("{repository}:1"), "--json"]))
    };
    let published = publish("random");
    let first = digest(&component("random"));
    assert_eq!(published["digest"], first.as_str());
    let exact = published["exact"].as_str().unwrap().to_owned();
    assert!(exact.starts_with(&format!("{repository}@sha256:")), "{exact}");
    // The same component is the same artifact, whoever publishes it and when.
    assert_eq!(publish("random"), published);

    let source = format!("oci:{repository}:1");
    let added = json(&run(&bench, ["plugin", "add", &source, "--name", "mine", "--json"]));
    assert_eq!(added["locked"]["digest"], first.as_str());
    assert_eq!(added["locked"]["resolved"], exact.as_str());
    assert_eq!(json(&inspect(&bench))["digest"], first.strip_prefix("blake3:").unwrap());

    // The tag moves on; the lock does not, until it is told to.
    publish("local-search");
    let second = digest(&component("local-search"));
    let there = Bench::new();
    for file in ["plugins.toml", "plugins.lock"] {
        fs::copy(bench.path().join(file), there.path().join(file)).unwrap();
    }
    json(&run(&there, ["plugin", "fetch", "--json"]));
    assert_eq!(json(&inspect(&there))["digest"], first.strip_prefix("blake3:").unwrap());
    let updated = String::from_utf8(run(&there, ["plugin", "update"]).stdout).unwrap();
    assert!(updated.contains(&format!("mine: {first} -> {second}")), "{updated}");
    assert_eq!(json(&inspect(&there))["digest"], second.strip_prefix("blake3:").unwrap());

    let exactly = format!("oci:{exact}");
    json(&run(&there, ["plugin", "add", &exactly, "--name", "exact", "--digest", &first, "--json"]));
    let message = refused(&run(&there, ["plugin", "add", &exactly, "--name", "no", "--digest", &second]), 2);
    assert!(message.contains(&first) && message.contains(&second), "{message}");
}

#[test]
fn a_plugin_is_published_under_its_version() {
    let Some(registry) = Registry::open() else { return };
    let bench = Bench::new();
    let repository = format!("{}/mine", registry.host());
    let file = component("random");
    let published = json(&run(&bench, ["plugin", "publish", file.to_str().unwrap(), &repository, "--json"]));
    assert_eq!(published["reference"], format!("{repository}:0.1.0"));
    let message = refused(&run(&bench, ["plugin", "add", &format!("oci:{repository}:0.2.0")]), 1);
    assert!(message.contains("ManifestUnknown") || message.contains("404"), "{message}");
    // Without a tag the registry is asked for another one.
    let message = refused(&run(&bench, ["plugin", "add", &format!("oci:{repository}")]), 1);
    assert!(message.contains("`latest` is meant"), "{message}");
    // The same may be published again, and nothing else in its place; a tag that is no version may move.
    json(&run(&bench, ["plugin", "publish", file.to_str().unwrap(), &repository, "--json"]));
    let other = component("local-search");
    let message = refused(&run(&bench, ["plugin", "publish", other.to_str().unwrap(), &repository]), 1);
    assert!(message.contains("another component is published under this version"), "{message}");
    for file in [&file, &other] {
        let latest = format!("{repository}:latest");
        json(&run(&bench, ["plugin", "publish", file.to_str().unwrap(), &latest, "--json"]));
    }
    bench.write("text.wasm", "no component");
    assert!(
        refused(&run(&bench, ["plugin", "publish", "text.wasm", &repository]), 2).contains("not a WebAssembly file")
    );
    let message = refused(&run(&bench, ["plugin", "publish", file.to_str().unwrap(), "Not A Reference"]), 1);
    assert!(message.contains("no reference such as"), "{message}");
}

#[test]
fn a_registry_that_asks_is_told_who_this_is() {
    let Some(registry) = Registry::guarded() else { return };
    let bench = Bench::new();
    let file = component("random");
    let reference = format!("{}/mine:1", registry.host());
    let arguments = ["plugin", "publish", file.to_str().unwrap(), &reference, "--json"];
    let message = refused(&run(&bench, arguments), 1);
    assert!(message.contains("who this is") && message.contains("ARCHWRIGHT_REGISTRY_USER"), "{message}");

    let with = |registry: &str, password: &str| {
        let mut command = command(&bench, arguments);
        command.env("ARCHWRIGHT_REGISTRY", registry);
        command.env("ARCHWRIGHT_REGISTRY_USER", "tester").env("ARCHWRIGHT_REGISTRY_PASSWORD", password);
        command.output().unwrap()
    };
    assert!(refused(&with(&registry.host(), "wrong"), 1).contains("does not let this in"));
    // They are for the registry that they were given for.
    assert!(refused(&with("registry.example", PASSWORD), 1).contains("does not let this in"));
    assert!(refused(&with("", PASSWORD), 1).contains("name it with ARCHWRIGHT_REGISTRY"));
    json(&with(&registry.host(), PASSWORD));

    // As `docker login` writes it: the base64 of `tester:U*U`.
    let settings = format!("{{ \"auths\": {{ \"{}\": {{ \"auth\": \"dGVzdGVyOlUqVQ==\" }} }} }}", registry.host());
    bench.write("docker/config.json", settings);
    json(&run(&bench, ["plugin", "add", &format!("oci:{reference}"), "--name", "mine", "--json"]));
}

/// A registry that answers about the artifact `mine:KIND`, which is wrong in the way that its tag says.
fn lying(path: &str) -> Vec<u8> {
    let layer = |media: &str, size: u64| {
        format!("{{\"mediaType\":\"{media}\",\"digest\":\"sha256:{}\",\"size\":{size}}}", "ab".repeat(32))
    };
    let wasm = |size| layer("application/wasm", size);
    let layers = match path.rsplit('/').next().unwrap_or_default() {
        "other" => layer("application/vnd.oci.image.layer.v1.tar+gzip", 10),
        "none" => String::new(),
        "two" => [wasm(10), wasm(10)].join(","),
        "large" => wasm(1 << 40),
        "swapped" => wasm(10),
        _ if path.contains("/blobs/") => return answer("200 OK", "", b"something else"),
        _ => return answer("200 OK", "", b"{}"),
    };
    let config = layer("application/vnd.wasm.config.v0+json", 2);
    let media = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        format!("{{\"schemaVersion\":2,\"mediaType\":\"{media}\",\"config\":{config},\"layers\":[{layers}]}}");
    answer("200 OK", &format!("Content-Type: {media}\r\n"), manifest.as_bytes())
}

#[test]
fn artifacts_that_are_no_plugins_add_nothing() {
    let bench = Bench::new();
    let site = Site::plain(Box::new(lying));
    let host = site.address.strip_prefix("http://").unwrap();
    for (tag, said) in [
        ("other", "its layers are application/vnd.oci.image.layer.v1.tar+gzip"),
        ("none", "its layers are none"),
        ("two", "one layer of type application/wasm"),
        ("large", "larger than 67108864 bytes"),
        ("swapped", "Digest"),
    ] {
        let message = refused(&run(&bench, ["plugin", "add", &format!("oci:{host}/mine:{tag}")]), 1);
        assert!(message.contains(said), "{said}: {message}");
    }
    assert!(!bench.path().join("plugins.toml").exists());
    assert!(!bench.path().join("store-plugins").exists());
}
