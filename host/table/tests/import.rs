//! Importing files and looking up what they hold.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use archwright_space::{Architecture, Context, Definition, Space, bundled};
use archwright_table::{Import, Imported, Measure, Role, Table, TableError, assignment, import};
use tempfile::TempDir;

const HEADER: &str = "arch,seed,epochs,cifar10_val_acc,cifar10_test_accuracy,cifar10_train_time,params";
const CELLS: [&str; 3] = [
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
];

fn space() -> Space {
    let definition = Definition::parse(bundled::source("nas-bench-201").unwrap()).unwrap();
    Space::new(Arc::new(definition), Context::full(vec![3, 32, 32], 10)).unwrap()
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn import(&self, file: &Path, columns: &[&str]) -> Result<Imported, TableError> {
        let columns: Vec<(String, Role)> = columns.iter().map(|text| assignment(text).unwrap()).collect();
        let asked = Import { file, space: &space(), name: "nas-bench-201", columns: &columns, epochs: 200 };
        import(&asked, &self.folder.path().join("made.table"))
    }

    fn refused(&self, text: &str, columns: &[&str]) -> String {
        self.import(&self.write("wrong.csv", text), columns).unwrap_err().to_string()
    }
}

fn point(space: &Space, cell: &str) -> Architecture {
    archwright_space::genotype::Genotype::parse(cell).unwrap().locate(space).unwrap()
}

fn curves() -> String {
    let mut text = HEADER.to_owned();
    for (number, cell) in CELLS.iter().enumerate() {
        for seed in [777, 888] {
            for epoch in [1, 12, 200] {
                let value = 10.0 + 20.0 * number as f64 + f64::from(epoch) / 10.0 + f64::from(seed) / 1000.0;
                text +=
                    &format!("\n{cell},{seed},{epoch},{value},{},{},{}", value - 1.0, epoch * 10, 1000 * (number + 1));
            }
        }
    }
    text
}

#[test]
fn learning_curves_of_several_trainings_come_back() {
    let (files, space) = (Files::new(), space());
    let imported = files.import(&files.write("curves.csv", &curves()), &[]).unwrap();
    let table = imported.table;
    let head = table.head();
    assert_eq!((head.architectures, head.seeds, &head.epochs[..]), (3, 2, &[1, 12, 200][..]));
    assert_eq!((&head.data_sets[..], head.source.rows), (&["cifar10".to_owned()][..], 18));
    assert_eq!(imported.left.columns, Vec::<String>::new());
    let data_set = table.data_set("cifar10").unwrap();
    let seen = table.column(data_set, Measure::ValidationAccuracy).unwrap();
    let test = table.column(data_set, Measure::TestAccuracy).unwrap();
    let seconds = table.column(data_set, Measure::Seconds).unwrap();
    let parameters = table.column(data_set, Measure::Parameters).unwrap();
    for (number, cell) in CELLS.iter().enumerate() {
        let row = table.find(&space, &point(&space, cell)).unwrap();
        assert_eq!(table.architecture(row), Some(point(&space, cell)));
        for (level, epoch) in [1, 12, 200].into_iter().enumerate() {
            for (place, seed) in [777, 888].into_iter().enumerate() {
                let value = 10.0 + 20.0 * number as f64 + f64::from(epoch) / 10.0 + f64::from(seed) / 1000.0;
                assert_eq!(seen.get(row, place, level), Some(value / 100.0));
                assert_eq!(test.get(row, place, level), Some((value - 1.0) / 100.0));
                assert_eq!(seconds.get(row, place, level), Some(f64::from(epoch) * 10.0));
            }
            let [one, other] = [0, 1].map(|place| seen.get(row, place, level).unwrap());
            assert_eq!(seen.mean(row, level), Some((one + other) / 2.0));
        }
        assert_eq!(parameters.mean(row, 0), Some(1000.0 * (number + 1) as f64));
        assert_eq!((seen.get(row, 2, 0), seen.get(row, 0, 3), seen.get(99, 0, 0)), (None, None, None));
    }
    let other = space.sample(3);
    assert_eq!(table.find(&space, &other), None);
}

#[test]
fn what_a_network_is_known_by_is_what_the_space_says() {
    let (files, space) = (Files::new(), space());
    let table = files.import(&files.write("curves.csv", &curves()), &[]).unwrap().table;
    assert!(table.knows(&space));
    for row in 0..table.len() {
        let architecture = table.architecture(row).unwrap();
        assert_eq!(table.facts(row), space.facts(&architecture).ok());
    }
    let known = space.clone().with_known(Arc::new(table));
    for cell in CELLS {
        let architecture = point(&space, cell);
        assert_eq!(known.fingerprint(&architecture).ok(), space.fingerprint(&architecture).ok());
        assert_eq!(known.profile(&architecture).ok(), space.profile(&architecture).ok());
    }
    let wider = Definition::parse_with(
        bundled::source("nas-bench-201").unwrap(),
        &[("channels".to_owned(), archwright_space::Scalar::Integer(8))].into(),
    );
    let wider = Space::new(Arc::new(wider.unwrap()), Context::full(vec![3, 32, 32], 10)).unwrap();
    assert!(!Table::open(&files.folder.path().join("made.table")).unwrap().knows(&wider), "other networks");
}

/// Isomorphic to a cell of the table, which does not hold the point itself.
#[test]
fn isomorphic_networks_are_found() {
    let (files, space) = (Files::new(), space());
    let cell = "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|";
    let twin = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|";
    let text = format!("architecture,test_accuracy\n{cell},0.5\n");
    let table = files.import(&files.write("one.csv", &text), &[]).unwrap().table;
    let row = table.find(&space, &point(&space, cell)).unwrap();
    assert_eq!(table.find(&space, &point(&space, twin)), Some(row));
    assert_eq!(table.head().epochs, [200], "as was said");
    assert_eq!(table.head().data_sets, [""]);
}

#[test]
fn json_and_parquet_hold_the_same_as_csv() {
    let files = Files::new();
    let text = format!("{HEADER}\n{0},1,2,90.5,,30,7\n{1},1,2,80.5,79,40,8\n", CELLS[0], CELLS[1]);
    let made = |file: &str, text: &str| {
        let table = files.import(&files.write(file, text), &[]).unwrap().table;
        let values: Vec<_> = (0..table.len())
            .flat_map(|row| {
                let column = |measure| table.column(0, measure).unwrap().get(row, 0, 0);
                [Measure::ValidationAccuracy, Measure::TestAccuracy, Measure::Seconds, Measure::Parameters].map(column)
            })
            .collect();
        (values, table.head().columns.clone(), table.head().epochs.clone())
    };
    let csv = made("a.csv", &text);
    assert!(csv.0.contains(&None), "what is missing stays so");
    let row = |cell: &str, values: &str| format!(r#"{{"arch": "{cell}", "seed": 1, "epochs": 2, {values}}}"#);
    let rows = [
        row(
            CELLS[0],
            r#""cifar10_val_acc": 90.5, "cifar10_test_accuracy": null, "cifar10_train_time": 30, "params": 7"#,
        ),
        row(CELLS[1], r#""cifar10_val_acc": 80.5, "cifar10_test_accuracy": 79, "cifar10_train_time": 40, "params": 8"#),
    ];
    let sorted = |(values, mut columns, epochs): (_, Vec<archwright_table::ColumnSummary>, _)| {
        columns.sort_by(|left, right| left.header.cmp(&right.header));
        (values, columns, epochs)
    };
    let csv = sorted(csv);
    assert_eq!(sorted(made("a.json", &format!("[{}]", rows.join(",")))), csv);
    assert_eq!(sorted(made("a.jsonl", &rows.join("\n"))), csv);
    assert_eq!(sorted(made("c.json", &format!("\u{feff}[{}]", rows.join(",")))), csv);
    assert_eq!(sorted(made("c.csv", &format!("\u{feff}{text}"))), csv);
    let by_column = |column: &dyn Fn(&str) -> String| {
        let columns: Vec<String> = HEADER.split(',').map(|name| format!("\"{name}\": {}", column(name))).collect();
        format!("{{{}}}", columns.join(","))
    };
    let cell = |row: usize, name: &str| {
        let row: serde_json::Value = serde_json::from_str(&rows[row]).unwrap();
        row[name].to_string()
    };
    let lists = by_column(&|name| format!("[{}, {}]", cell(0, name), cell(1, name)));
    assert_eq!(sorted(made("d.json", &lists)), csv);
    let numbered = by_column(&|name| format!("{{\"10\": {}, \"9\": {}}}", cell(0, name), cell(1, name)));
    assert_eq!(sorted(made("e.json", &numbered)), csv);
    let wrong = files.import(&files.write("f.json", r#"{"arch": ["a"], "test_acc": []}"#), &[]).unwrap_err();
    assert!(wrong.to_string().contains("`test_acc` has 0 values, and another column 1"), "{wrong}");
    let by_name = rows.map(|row| {
        let mut value: serde_json::Value = serde_json::from_str(&row).unwrap();
        let name = value.as_object_mut().unwrap().remove("arch").unwrap();
        format!("{name}: {value}")
    });
    assert_eq!(sorted(made("b.json", &format!("{{{}}}", by_name.join(",")))), csv);
}

#[test]
fn what_cannot_be_is_named() {
    let files = Files::new();
    let ok = format!("architecture,test_accuracy\n{},0.5", CELLS[0]);
    assert!(files.import(&files.write("ok.csv", &ok), &[]).is_ok());
    let refused = |text: &str, columns: &[&str], says: &str| {
        let problem = files.refused(text, columns);
        assert!(problem.contains(says), "{problem}");
    };
    refused("a,b\n1,2", &[], "COLUMN=architecture");
    refused(&format!("architecture,b\n{},2", CELLS[0]), &[], "COLUMN=test-accuracy");
    refused(&format!("{ok}\n|what~0|,0.4"), &[], "row 2: architecture |what~0|");
    refused(&format!("{ok}\n{},x", CELLS[1]), &[], "row 2: `test_accuracy` holds x, which is no number");
    refused(&format!("{ok}\n{},0.7", CELLS[0]), &[], "row 2: it is about the same training and epoch as row 1");
    refused(&format!("{ok}\n{},101", CELLS[1]), &[], "row 2: `test_accuracy` holds 101, which is no test-accuracy");
    refused(&format!("{ok}\n{},-1", CELLS[1]), &[], "which is no test-accuracy");
    refused(&ok, &["nothing=seed"], "there is no column `nothing`");
    refused(&format!("architecture,test_acc,test_accuracy\n{},1,1", CELLS[0]), &[], "both hold test-accuracy");
    refused("architecture,test_accuracy", &[], "has no rows");
    let before = format!("architecture,epoch,test_accuracy\n{0},0,0.1\n{0},1,0.5", CELLS[0]);
    refused(
        &before,
        &[],
        "row 1: `epoch` holds 0, not a whole number from 1: leave out the rows from before the training",
    );
    let empty = format!("architecture,test_accuracy,val_acc\n{},0.5,\n{},0.5,nan", CELLS[0], CELLS[1]);
    refused(&empty, &[], "`val_acc` holds no number in any row");
    assert!(files.import(&files.write("empty.csv", &empty), &["val_acc=ignore"]).is_ok());
    let problem = files.import(&files.write("x.txt", &ok), &[]).unwrap_err().to_string();
    assert!(problem.contains(".csv"), "{problem}");
    assert!(files.import(&files.folder.path().join("gone.csv"), &[]).is_err());
}

#[test]
fn columns_are_told_apart_by_hand() {
    let files = Files::new();
    let text = format!("cell,acc,M\n{},0.25,1.5\n", CELLS[0]);
    let columns = ["cell=architecture", "acc=svhn/validation-accuracy", "M=parameters*1e6"];
    let table = files.import(&files.write("named.csv", &text), &columns).unwrap().table;
    let data_set = table.data_set("svhn").unwrap();
    assert_eq!(table.column(data_set, Measure::ValidationAccuracy).unwrap().mean(0, 0), Some(0.25));
    assert_eq!(table.column(data_set, Measure::Parameters).unwrap().mean(0, 0), Some(1.5e6));
}

#[test]
fn sizes_that_are_counted_otherwise_are_told() {
    let (files, space) = (Files::new(), space());
    let counted = space.facts(&point(&space, CELLS[0])).unwrap().footprint;
    let sizes = |parameters: f64| {
        let row = format!("{},0.5,{parameters},{}", CELLS[0], counted.multiply_adds);
        let text = format!("architecture,test_accuracy,params,macs\n{row}");
        files.import(&files.write("sizes.csv", &text), &[]).unwrap().left.sizes
    };
    assert_eq!(sizes(counted.parameters as f64), []);
    assert_eq!(sizes(counted.parameters as f64 * 1.1), [Measure::Parameters]);
}

#[test]
fn rows_may_name_their_data_set() {
    let files = Files::new();
    let text = format!("architecture,dataset,test_accuracy\n{0},a,0.25\n{0},b,0.5\n", CELLS[0]);
    let table = files.import(&files.write("long.csv", &text), &[]).unwrap().table;
    let mean = |name: &str| table.column(table.data_set(name).unwrap(), Measure::TestAccuracy).unwrap().mean(0, 0);
    assert_eq!((mean("a"), mean("b")), (Some(0.25), Some(0.5)));
    let header = "architecture,dataset,seed,test_accuracy,params";
    let sizes = |rows: &[&str]| {
        let rows: Vec<String> = rows.iter().map(|row| format!("{},{row}", CELLS[0])).collect();
        files.import(&files.write("sizes.csv", &format!("{header}\n{}", rows.join("\n"))), &[])
    };
    let size = |table: &Table, name: &str| {
        table.column(table.data_set(name).unwrap(), Measure::Parameters).unwrap().mean(0, 0)
    };
    let table = sizes(&["a,0,0.5,7", "a,1,0.5,7", "b,0,0.5,9"]).unwrap().table;
    assert_eq!((size(&table, "a"), size(&table, "b")), (Some(7.0), Some(9.0)));
    let table = sizes(&["a,0,0.5,7", "b,0,0.5,"]).unwrap().table;
    assert_eq!((size(&table, "a"), size(&table, "b")), (Some(7.0), Some(7.0)), "said once");
    let problem = sizes(&["a,0,0.5,7", "a,1,0.5,8"]).unwrap_err().to_string();
    assert!(problem.contains("row 2: `params` holds 8"), "{problem}");
}

#[test]
fn damage_is_found() {
    let files = Files::new();
    let made = files.folder.path().join("made.table");
    files.import(&files.write("curves.csv", &curves()), &[]).unwrap();
    let whole = std::fs::read(&made).unwrap();
    for length in [0, 7, 40, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&made, &whole[..length]).unwrap();
        assert!(Table::open(&made).unwrap_err().to_string().contains("table import"), "{length}");
    }
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&made, &changed).unwrap();
    assert!(Table::open(&made).is_err());
}

/// Writes two epochs of a cell, the later one without a value, and one of another.
fn write_parquet(path: &Path, compression: parquet::basic::Compression) {
    use parquet::data_type::{ByteArrayType, DoubleType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;

    let schema = "message cells { REQUIRED BINARY arch (UTF8); REQUIRED INT64 epoch; OPTIONAL DOUBLE test_acc; }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let cells = [CELLS[0], CELLS[0], CELLS[1]].map(parquet::data_type::ByteArray::from);
    column.typed::<ByteArrayType>().write_batch(&cells, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[5, 10, 10], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[0.25, 0.5], Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn parquet_is_read() {
    use parquet::basic::Compression;

    let files = Files::new();
    let path = files.folder.path().join("cells.parquet");
    for compression in [Compression::LZ4, Compression::LZ4_RAW, Compression::SNAPPY] {
        write_parquet(&path, compression);
        assert_eq!(files.import(&path, &[]).unwrap().table.len(), 2);
    }
    write_parquet(&path, Compression::UNCOMPRESSED);
    // The codec follows the column's name in its metadata, at the end of the file.
    let mut brotli = std::fs::read(&path).unwrap();
    let name = b"test_acc\x15\x00";
    let place = brotli.windows(name.len()).rposition(|bytes| bytes == name).unwrap();
    brotli[place + name.len() - 1] = 8;
    let other = files.folder.path().join("other.parquet");
    std::fs::write(&other, brotli).unwrap();
    let refused = files.import(&other, &[]).unwrap_err().to_string();
    assert!(refused.contains("compressed with BROTLI: uncompressed, SNAPPY, GZIP, ZSTD and LZ4 are read"), "{refused}");
    let table = files.import(&path, &[]).unwrap().table;
    let (space, column) = (space(), table.column(0, Measure::TestAccuracy).unwrap());
    let value = |cell: &str, level| column.mean(table.find(&space, &point(&space, cell)).unwrap(), level);
    assert_eq!(table.head().epochs, [5, 10]);
    assert_eq!([value(CELLS[0], 0), value(CELLS[0], 1)], [Some(0.25), None]);
    assert_eq!([value(CELLS[1], 0), value(CELLS[1], 1)], [None, Some(0.5)]);
}
