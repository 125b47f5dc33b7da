//! Files that programs read: suites, measurements, journals, a project's plugins.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use archwright_registry::{Kept, Project};
use archwright_search::{Catalogue, Environment, SearchError, Stop, journal as journals_of};
use archwright_space::{Context, Definition, Space, bundled};
use archwright_suite::Suite;
use archwright_table::Import;

/// A folder for the files of this process.
fn folder() -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path().to_owned()
}

/// A file of this thread.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let folder = folder().join(format!("{:?}", std::thread::current().id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// Suites: there are no plugins, so that what is read in full fails for lack of them.
pub(crate) fn suite(data: &[u8]) {
    let environment = Environment {
        store: folder().join("store"),
        catalogue: Catalogue::new(folder().join("plugins"), Kept::new(folder().join("kept"))),
        compiled: None,
        trainer: folder().join("trainer"),
        auto_devices: vec!["cpu".into()],
    };
    assert!(Suite::read(&file("suite.toml", data), &environment, &Stop::default()).is_err(), "there are no plugins");
}

pub(crate) fn suites() -> Vec<Vec<u8>> {
    let suite = "name = \"a\"\nseeds = 3\n[report]\ntarget = 0.9\n[[space]]\nuse = \"chain\"\n[[strategy]]\nuse = \
                 \"random\"\n[[strategy]]\nlabel = \"b\"\nuse = \"local-search\"\n[[estimator]]\nuse = \
                 \"full-training\"\n[[task]]\ndata = \"digits\"\nspaces = [\"chain\"]\n[budget]\nqueries = 6\n";
    vec![suite.into(), suite.replace("seeds = 3", "seeds = [1, 5]").into()]
}

fn cells() -> &'static Space {
    static SPACE: OnceLock<Space> = OnceLock::new();
    SPACE.get_or_init(|| {
        let definition = Definition::parse(bundled::source("nas-bench-201").unwrap()).unwrap();
        Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap()
    })
}

/// Rows of measurements. The first byte says in which form.
pub(crate) fn table_rows(data: &[u8]) {
    let Some((form, content)) = data.split_first() else { return };
    let name = ["rows.csv", "rows.tsv", "rows.json", "rows.jsonl", "rows.parquet"][usize::from(*form) % 5];
    let file = file(name, content);
    let import = Import { file: &file, space: cells(), name: "cells", columns: &[], epochs: 200 };
    let into = file.with_extension("table");
    if let Ok(imported) = archwright_table::import(&import, &into) {
        let table = imported.table;
        for row in 0..table.len() {
            let Some(architecture) = table.architecture(row) else { continue };
            assert_eq!(cells().check(&architecture), Ok(()), "what is in a table is a point");
            assert_eq!(table.find(cells(), &architecture), Some(row), "what is in a table is found");
        }
    }
}

pub(crate) fn tables() -> Vec<Vec<u8>> {
    let cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|";
    let other = "|none~0|+|none~0|skip_connect~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|";
    let rows = |separator: &str| {
        let header = ["arch_str", "seed", "epoch", "a_valid_acc", "a_time"].join(separator);
        let row = |cell: &str, accuracy: &str| [cell, "0", "200", accuracy, "12.5"].join(separator);
        format!("{header}\n{}\n{}\n", row(cell, "91.5"), row(other, "12"))
    };
    let object = |cell: &str| format!("{{\"arch_str\": \"{cell}\", \"epoch\": 200, \"valid_acc\": 0.5}}");
    [
        (0, rows(",")),
        (1, rows("\t")),
        (2, format!("[{}, {}]", object(cell), object(other))),
        (3, format!("{}\n{}\n", object(cell), object(other))),
        (4, "PAR1PAR1".into()),
    ]
    .map(|(form, text)| [&[form], text.as_bytes()].concat())
    .into()
}

/// The content of a journal's records: each is a length of two bytes, and so many bytes. Their checksums are right, since a
/// fuzzer would not find them.
pub(crate) fn journal(data: &[u8]) {
    let mut content = b"archwjnl\x01\0\0\0".to_vec();
    let mut checksum = crc32fast::Hasher::new();
    let mut rest = data;
    while let Some((length, after)) = rest.split_first_chunk() {
        let (record, after) = after.split_at(usize::from(u16::from_le_bytes(*length)).min(after.len()));
        let length = (record.len() as u32).to_le_bytes();
        checksum.update(&length);
        checksum.update(record);
        content.extend([&length[..], record].concat());
        let sum = checksum.clone().finalize().to_le_bytes();
        // The sum itself is part of what comes before the next record.
        checksum.update(&sum);
        content.write_all(&sum).unwrap();
        rest = after;
    }
    let path = file("journal", &content);
    for timeless in [false, true] {
        let _ = journals_of::list::<SearchError>(&path, timeless, &mut |_| Ok(()));
    }
    let _ = journals_of::history(&path, Some(cells()));
    let _ = journals_of::observations(&path);
    // As it lies: nothing about it is right.
    let _ = journals_of::list::<SearchError>(&file("raw", data), false, &mut |_| Ok(()));
}

pub(crate) fn journals() -> Vec<Vec<u8>> {
    let record = |bytes: &[u8]| [&(bytes.len() as u16).to_le_bytes()[..], bytes].concat();
    // In postcard's form: the number of the variant, then its members.
    let begun = record(&[&[0, 4, 2], &b"{}"[..]].concat());
    let opened = record(&[1, 0, 5]);
    let asked = record(&[&[3, 4, 0, 0, 1, 7, 0, 0, 1, 0, 0], &1.0_f64.to_le_bytes()[..], &[0, 0, 9]].concat());
    let told = record(&[8, 1, 0, 0, 3]);
    let searched = record(&[&[10], &2.5_f64.to_le_bytes()[..]].concat());
    vec![[begun.clone(), opened, asked, told, searched].concat(), begun, b"archwjnl\x01\0\0\0".to_vec()]
}

/// A project's `plugins.toml` and `plugins.lock`, with a line of three dashes between them.
pub(crate) fn project(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (plugins, lock) = text.split_once("\n---\n").unwrap_or((&text, "form = 1\n"));
    let plugins = file("plugins.toml", plugins.as_bytes());
    file("plugins.lock", lock.as_bytes());
    let Ok(project) = Project::open(plugins.parent().unwrap()) else { return };
    let project = project.unwrap();
    let kept = Kept::new(folder().join("kept"));
    for (name, _) in project.sources() {
        assert!(project.find(name, &kept).is_err(), "there are no components");
    }
}

pub(crate) fn projects() -> Vec<Vec<u8>> {
    let digest = "blake3:".to_owned() + &"0".repeat(64);
    let plugins = format!(
        "[plugins]\na = {{ path = \"a.wasm\" }}\nb = {{ folder = \"b\" }}\nc = {{ oci = \"registry.example/c:1\" }}\nd = {{ url = \
         \"https://plugins.example/d.wasm\", digest = \"{digest}\" }}\n"
    );
    let lock = format!(
        "form = 1\n[plugins.a]\ndigest = \"{digest}\"\nsize = 9\nkind = \"strategy\"\nversion = \"0.1.0\"\ncontract = \
         \"0.1.0\"\n[plugins.a.source]\npath = \"a.wasm\"\n"
    );
    vec![format!("{plugins}\n---\n{lock}").into(), plugins.into()]
}
