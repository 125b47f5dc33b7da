//! Plugins written by hand in WebAssembly text, to do what no compiler would let them.
//!
//! Each is a module that keeps the contract, with places where a test puts code of its own. The layouts are those of the
//! component model's canonical ABI.
#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses a part")]

use std::path::Path;

use archwright_plugin::CONTRACT;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

pub(crate) mod host;

/// Replacements of a guest's parts, by name; see the templates.
pub(crate) type Parts<'a> = &'a [(&'a str, &'a str)];

/// Where templates put their data; tests may use the memory from 512 to 1023 and from 30000 to 60000.
const DATA: u32 = 1024;

/// Little-endian data in a guest's memory.
struct Image {
    bytes: Vec<u8>,
}

impl Image {
    fn place(&mut self, bytes: &[u8]) -> u32 {
        while !self.bytes.len().is_multiple_of(8) {
            self.bytes.push(0);
        }
        let address = DATA + self.bytes.len() as u32;
        self.bytes.extend(bytes);
        address
    }

    fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.place(&bytes)
    }

    /// Address and length.
    fn text(&mut self, text: &str) -> [u32; 2] {
        [self.place(text.as_bytes()), text.len() as u32]
    }

    fn wat(&self) -> String {
        let bytes: String = self.bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        format!("(data (i32.const {DATA}) \"{bytes}\")")
    }
}

pub(crate) const SCHEMA: &str = r#"{
    "type": "object",
    "properties": { "size": { "type": "integer", "minimum": 1, "default": 10 } },
    "additionalProperties": false
}"#;

fn part<'a>(parts: Parts<'a>, name: &str, default: &'a str) -> &'a str {
    parts.iter().find(|(given, _)| *given == name).map_or(default, |(_, code)| code)
}

/// `describe`, from the parts `name`, `version`, `summary`, `schema`, and one name each in `reference`, `needs` and `gives`;
/// with the code `describe` before it.
fn describe(parts: Parts<'_>, image: &mut Image) -> String {
    let mut words = Vec::new();
    words.extend(image.text(part(parts, "name", "hand-made")));
    words.extend(image.text(part(parts, "version", "1.0.0")));
    words.extend(image.text(part(parts, "summary", "Made for tests.")));
    words.extend(image.text(part(parts, "schema", SCHEMA)));
    for list in ["reference", "needs", "gives"] {
        match part(parts, list, "") {
            "" => words.extend([0, 0]),
            name => {
                let name = image.text(name);
                words.extend([image.words(&name), 1]);
            }
        }
    }
    let record = image.words(&words);
    format!("{} (i32.const {record})", part(parts, "describe", ""))
}

/// What all guests have: memory, an allocator that never frees, and the parts `imports` and `module`.
fn module(parts: Parts<'_>, image: &Image, imports: &str, functions: &str) -> String {
    let pages = part(parts, "pages", "4");
    format!(
        r#"(module
            {imports}
            {more}
            (memory (export "memory") {pages})
            (global $heap (mut i32) (i32.const 65536))
            (global $next (mut i64) (i64.const 1))
            {data}
            (func $allocate (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                {realloc}
                (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
                (global.set $heap (i32.add (local.get $at) (local.get 3)))
                (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
                    (then (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))))
                (local.get $at))
            {extra}
            {functions}
        )"#,
        data = image.wat(),
        realloc = part(parts, "realloc", ""),
        more = part(parts, "imports", ""),
        extra = part(parts, "module", ""),
    )
}

/// A strategy that asks for point 0 of a space with one decision, again and again.
///
/// Parts: those of `describe`; `open`, `ask`, `tell`, `recommend` (code before the answer); `queries` (how many);
/// `query` (code after query number `$index` was written at `$at`); `reply` (its discriminant).
pub(crate) fn strategy(parts: Parts<'_>) -> Vec<u8> {
    let mut image = Image { bytes: Vec::new() };
    let describe = describe(parts, &mut image);
    let point = image.words(&[0; 64]);
    let imports = r#"
        (import "archwright:nas/log@CONTRACT" "log" (func $log (param i32 i32 i32)))
        (import "archwright:nas/space@CONTRACT" "sample" (func $sample (param i64 i32)))
        (import "archwright:nas/space@CONTRACT" "neighbors" (func $neighbors (param i32 i32 i32 i32 i32)))
        (import "[export]archwright:nas/strategy@CONTRACT" "[resource-new]search" (func $new (param i32) (result i32)))"#;
    let functions = format!(
        r#"
        (func (export "archwright:nas/strategy@CONTRACT#describe") (result i32) {describe})
        (func (export "archwright:nas/strategy@CONTRACT#[static]search.open")
            (param i32 i32 i32 i32 i32 i32 i64 i32 i64 i32 i32) (result i32)
            (global.set $next (i64.const 1))
            {open}
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.store (i32.const 516) (call $new (i32.const 1)))
            (i32.const 512))
        (func (export "archwright:nas/strategy@CONTRACT#[method]search.ask") (param i32) (param $capacity i32) (result i32)
            (local $index i32) (local $count i32) (local $at i32) (local $queries i32)
            {ask}
            (local.set $count {queries})
            (local.set $queries
                (call $allocate (i32.const 0) (i32.const 0) (i32.const 8) (i32.mul (local.get $count) (i32.const 64))))
            (block $done (loop $again
                (br_if $done (i32.ge_u (local.get $index) (local.get $count)))
                (local.set $at (i32.add (local.get $queries) (i32.mul (local.get $index) (i32.const 64))))
                (memory.fill (local.get $at) (i32.const 0) (i32.const 64))
                (i64.store (local.get $at) (global.get $next))
                (global.set $next (i64.add (global.get $next) (i64.const 1)))
                (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const {point}))
                (i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 1))
                (f64.store (i32.add (local.get $at) (i32.const 32)) (f64.const 1))
                {query}
                (local.set $index (i32.add (local.get $index) (i32.const 1)))
                (br $again)))
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.store8 (i32.const 516) {reply})
            (i32.store (i32.const 520) (local.get $queries))
            (i32.store (i32.const 524) (local.get $count))
            {answer}
            (i32.const 512))
        (func (export "archwright:nas/strategy@CONTRACT#[method]search.tell") (param i32 i32 i32) (result i32)
            {tell}
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.const 512))
        (func (export "archwright:nas/strategy@CONTRACT#[method]search.recommend") (param i32) (result i32)
            (i64.store (i32.const 512) (i64.const 0))
            (i64.store (i32.const 520) (i64.const 0))
            {recommend}
            (i32.const 512))"#,
        open = part(parts, "open", ""),
        ask = part(parts, "ask", ""),
        queries = part(parts, "queries", "(i32.const 1)"),
        query = part(parts, "query", ""),
        reply = part(parts, "reply", "(i32.const 0)"),
        answer = part(parts, "answer", ""),
        tell = part(parts, "tell", ""),
        recommend = part(parts, "recommend", ""),
    );
    component("strategy-plugin", &module(parts, &image, imports, &functions))
}

/// An estimator that trains once and gives the outcome's cost as its estimate.
///
/// Parts: those of `describe`; `open`, `begin`, `advance` (code before the answer); `epochs`, `share`, `start` (of the
/// training); `estimate` (code after the estimate was written at 528).
pub(crate) fn estimator(parts: Parts<'_>) -> Vec<u8> {
    let mut image = Image { bytes: Vec::new() };
    let describe = describe(parts, &mut image);
    let objectives = image.place(&0.5_f64.to_le_bytes());
    let imports = r#"
        (import "archwright:nas/actions@CONTRACT" "train"
            (func $train (param i32 i32 i32 i32 i64 i32 i32 f64 f64 f64 f64 i32)))
        (import "archwright:nas/actions@CONTRACT" "[method]outcome.cost" (func $cost (param i32) (result f64)))
        (import "archwright:nas/actions@CONTRACT" "[resource-drop]outcome" (func $drop_outcome (param i32)))
        (import "archwright:nas/actions@CONTRACT" "[resource-drop]action" (func $drop_action (param i32)))
        (import "[export]archwright:nas/estimator@CONTRACT" "[resource-new]estimation"
            (func $new (param i32) (result i32)))"#;
    let functions = format!(
        r#"
        (func (export "archwright:nas/estimator@CONTRACT#describe") (result i32) {describe})
        (func (export "archwright:nas/estimator@CONTRACT#[static]estimation.open")
            (param i32 i32 i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32)
            {open}
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.store (i32.const 516) (call $new (i32.const 1)))
            (i32.const 512))
        (func $make (param $kind i32) (param $point i32) (param $length i32)
            (call $train (local.get $kind) (local.get $point) (local.get $length) {start} {epochs}
                {share} (f64.const 1) (f64.const 1) (f64.const 1) (i32.const 640)))
        (func (export "archwright:nas/estimator@CONTRACT#[method]estimation.begin")
            (param i32 i64) (param $query i64) (param i32) (param $kind i32) (param $point i32) (param $length i32)
            (param i32 i32) (param f64 i32 i64 i32) (result i32)
            {begin}
            (call $make (local.get $kind) (local.get $point) (local.get $length))
            ;; The training was refused: the error is answered.
            (if (i32.load8_u (i32.const 640)) (then
                (i32.store8 (i32.const 512) (i32.const 1))
                (i32.store8 (i32.const 520) (i32.load8_u (i32.const 644)))
                (i32.store (i32.const 524) (i32.load (i32.const 648)))
                (i32.store (i32.const 528) (i32.load (i32.const 652)))
                (return (i32.const 512))))
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.store8 (i32.const 520) (i32.const 0))
            (i32.store (i32.const 528) (i32.load (i32.const 644)))
            {act}
            (i32.const 512))
        (func (export "archwright:nas/estimator@CONTRACT#[method]estimation.advance")
            (param i32 i64) (param $outcome i32) (result i32)
            {advance}
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.store8 (i32.const 520) (i32.const 1))
            (i32.store (i32.const 528) (i32.const {objectives}))
            (i32.store (i32.const 532) (i32.const 1))
            (i32.store8 (i32.const 536) (i32.const 0))
            (i32.store8 (i32.const 548) (i32.const 0))
            (f64.store (i32.const 560) (call $cost (local.get $outcome)))
            (f64.store (i32.const 568) (f64.const 1))
            (i32.store8 (i32.const 576) (i32.const 0))
            {estimate}
            (call $drop_outcome (local.get $outcome))
            (i32.const 512))"#,
        open = part(parts, "open", ""),
        start = part(parts, "start", "(i32.const 0) (i64.const 7) (i32.const 0)"),
        epochs = part(parts, "epochs", "(i32.const 3)"),
        share = part(parts, "share", "(f64.const 1)"),
        begin = part(parts, "begin", ""),
        act = part(parts, "act", ""),
        advance = part(parts, "advance", ""),
        estimate = part(parts, "estimate", ""),
    );
    component("estimator-plugin", &module(parts, &image, imports, &functions))
}

/// A search space of one decision, whose network is an input, a pooling and a linear layer.
///
/// Parts: those of `describe`; `open`, `decisions`, `build`, `recipe` (code before the answer); `answer` (code after the
/// network was answered); `nodes` (how many); `op` (of the second node); `input` (of the second node); `features` (of the
/// last node).
pub(crate) fn search_space(parts: Parts<'_>) -> Vec<u8> {
    let mut image = Image { bytes: Vec::new() };
    let describe = describe(parts, &mut image);
    let labels = [image.text("narrow"), image.text("wide")].concat();
    let labels = image.words(&labels);
    let name = image.text("width");
    // name, domain (discriminant, then a list in a space for two reals and a flag), conditions
    let decision = image.words(&[name[0], name[1], 0, 0, labels, 2, 0, 0, 0, 0, 0, 0]);
    let sides = image.words(&[0; 6]);
    let shape = {
        let name = image.text("shape");
        image.words(&[name[0], name[1], 4, 0, sides, 3])
    };
    // The context's input as the attribute `shape`.
    let copy: String = (0..3)
        .map(|side| {
            let (to, from) = (sides + 8 * side, 4 * side);
            format!("(i64.store (i32.const {to}) (i64.load32_u offset={from} (local.get $input)))")
        })
        .collect();
    let features = {
        let name = image.text("out-features");
        let count: u64 = part(parts, "features", "10").parse().unwrap();
        image.words(&[name[0], name[1], 0, 0, count as u32, (count >> 32) as u32])
    };
    let input: u32 = part(parts, "input", "0").parse().unwrap();
    let inputs = [image.words(&[input]), image.words(&[1])];
    let mut nodes = Vec::new();
    for (name, op, attributes, inputs) in [
        ("input", "input", [shape, 1], [0, 0]),
        ("pool", part(parts, "op", "global-avg-pool"), [0, 0], [inputs[0], 1]),
        ("scores", "linear", [features, 1], [inputs[1], 1]),
    ] {
        nodes.extend(image.text(name));
        nodes.extend(image.text(op));
        nodes.extend(attributes);
        nodes.extend(inputs);
    }
    let nodes = image.words(&nodes);
    let imports = r#"
        (import "archwright:nas/log@CONTRACT" "log" (func $log (param i32 i32 i32)))
        (import "[export]archwright:nas/search-space@CONTRACT" "[resource-new]definition"
            (func $new (param i32) (result i32)))"#;
    let functions = format!(
        r#"
        (func (export "archwright:nas/search-space@CONTRACT#describe") (result i32) {describe})
        (func (export "archwright:nas/search-space@CONTRACT#[static]definition.open") (param i32 i32) (result i32)
            {open}
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.store (i32.const 516) (call $new (i32.const 1)))
            (i32.const 512))
        (func (export "archwright:nas/search-space@CONTRACT#[method]definition.decisions") (param i32) (result i32)
            {decisions}
            (i32.store (i32.const 512) (i32.const {decision}))
            (i32.store (i32.const 516) (i32.const 1))
            (i32.const 512))
        (func (export "archwright:nas/search-space@CONTRACT#[method]definition.build")
            (param i32) (param $values i32) (param i32) (param $input i32) (param i32 i32 f64 f64) (result i32)
            {copy}
            {build}
            (i32.store8 (i32.const 512) (i32.const 0))
            (i32.store (i32.const 516) (i32.const {nodes}))
            (i32.store (i32.const 520) {count})
            {answer}
            (i32.const 512))
        (func (export "archwright:nas/search-space@CONTRACT#[method]definition.recipe") (param i32 i32 i32) (result i32)
            (i64.store (i32.const 512) (i64.const 0))
            (i64.store (i32.const 520) (i64.const 0))
            {recipe}
            (i32.const 512))"#,
        open = part(parts, "open", ""),
        decisions = part(parts, "decisions", ""),
        build = part(parts, "build", ""),
        answer = part(parts, "answer", ""),
        recipe = part(parts, "recipe", ""),
        count = part(parts, "nodes", "(i32.const 3)"),
    );
    component("search-space-plugin", &module(parts, &image, imports, &functions))
}

/// A component with a custom section.
pub(crate) fn with_section(mut component: Vec<u8>, name: &str, content: &[u8]) -> Vec<u8> {
    let length = |length: usize| {
        assert!(length < 1 << 14);
        [0x80 | (length & 0x7f) as u8, (length >> 7) as u8]
    };
    let name = [&length(name.len())[..], name.as_bytes()].concat();
    component.push(0);
    component.extend(length(name.len() + content.len()));
    component.extend(name);
    component.extend(content);
    component
}

/// Makes a component of a module, for a world of the contract, whose version is written `CONTRACT`.
fn component(world: &str, module: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let wit = folders.map(|folder| folder.join("wit")).find(|wit| wit.is_dir()).unwrap();
    let (package, _) = resolve.push_dir(wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let module = module.replace("@CONTRACT", &format!("@{CONTRACT}"));
    let mut module = wat::parse_str(&module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}
