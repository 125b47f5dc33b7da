//! Comparisons: suites, what is left of one that is killed, reports, locks.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use archwright_tests::{Bench, made_up_cells, stderr};

const SUITE: &str = r#"
name = "a <comparison> & its report"
seeds = 12

[space]
use = "nas-bench-201"

[[strategy]]
use = "random"

[[strategy]]
use = "regularized-evolution"
population_size = 10
sample_size = 3

[[strategy]]
use = "local-search"

[estimator]
use = "benchmark-table"

[task]
data = "cells.table"

[budget]
queries = 80
"#;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.write("cells.csv", made_up_cells(false));
    bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    bench.write("suite.toml", SUITE);
    bench
}

/// Every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            all.extend(files(&path).into_iter().map(|(inner, content)| (format!("{name}/{inner}"), content)));
        } else {
            all.insert(name, fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn a_comparison_says_who_is_better_and_needs_nothing_else_for_it() {
    let bench = bench();
    let compared = bench.json(["compare", "suite.toml", "--json"]);
    let problem = &compared["problems"][0];
    let mean = |method: usize| problem["methods"][method]["mean"].as_f64().unwrap();
    assert!(mean(1) > mean(0) && mean(2) > mean(0), "{problem}");
    assert!(problem["friedman_p"].as_f64().unwrap() < 0.01);
    let report = files(&bench.path().join("suite-report"));
    let page = String::from_utf8(report["report.html"].clone()).unwrap();
    assert!(page.contains("a &lt;comparison&gt; &amp; its report") && !page.contains("<comparison>"));
    for outside in ["src=", "href=\"http", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let observations = String::from_utf8(report["observations.csv"].clone()).unwrap();
    assert_eq!(observations.lines().count(), 1 + 3 * 12 * 80);
    assert_eq!(String::from_utf8(report["runs.csv"].clone()).unwrap().lines().count(), 1 + 36);
    let figures = report.keys().filter(|name| name.starts_with("figures/")).count();
    assert!(figures >= 8, "{:?}", report.keys());
    // From the journals alone, without the table.
    fs::remove_file(bench.path().join("cells.table")).unwrap();
    bench.json(["report", "--output", "again", "--json"]);
    assert!(files(&bench.path().join("again")) == report);
    let listed = bench.json(["comparisons", "--json"]);
    assert_eq!(listed[0]["name"], "a <comparison> & its report");
    assert_eq!(bench.json(["runs", "--json"]).as_array().unwrap().len(), 0, "those of a comparison stand there");
    bench.json(["show", "5", "--json"]);
}

#[test]
fn one_that_is_killed_again_and_again_has_the_same_report() {
    let bench = bench();
    bench.json(["compare", "suite.toml", "--output", "undisturbed", "--json"]);
    fs::remove_dir_all(bench.path().join("store")).unwrap();
    let mut killed = 0;
    for wait in [60, 100, 140, 180, 220, 260, 300] {
        let mut host = bench.command(["compare", "suite.toml", "--output", "killed"]).spawn().unwrap();
        let until = Instant::now() + Duration::from_millis(wait);
        while Instant::now() < until && host.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if host.try_wait().unwrap().is_none() {
            host.kill().unwrap();
            killed += 1;
        }
        host.wait().unwrap();
    }
    assert!(killed > 0, "it was done before it could be killed");
    // One may be killed while it writes.
    for partial in [".report.html.partial", ".observations.parquet.partial"] {
        bench.write(&format!("killed/{partial}"), "half");
    }
    bench.json(["compare", "suite.toml", "--output", "killed", "--json"]);
    let [killed, undisturbed] = ["killed", "undisturbed"].map(|folder| files(&bench.path().join(folder)));
    assert!(killed.keys().eq(undisturbed.keys()), "{:?}, not {:?}", killed.keys(), undisturbed.keys());
    for (name, content) in &killed {
        assert!(undisturbed[name] == *content, "{name} differs");
    }
    let verified = bench.json(["verify", "7", "--json"]);
    assert_eq!(verified["complete"], true);
}

#[test]
fn a_lock_makes_the_same_again_or_says_what_differs() {
    let bench = bench();
    bench.json(["compare", "suite.toml", "--json"]);
    let elsewhere = |store: &str| {
        let mut command = bench.command(["compare", "suite.toml", "--locked", "--json"]);
        command.env("ARCHWRIGHT_STORE", bench.path().join(store));
        command.output().unwrap()
    };
    assert!(elsewhere("other").status.success());
    bench.write("suite.toml", SUITE.replace("queries = 80", "queries = 81"));
    let message = String::from_utf8(elsewhere("third").stderr).unwrap();
    assert!(message.contains("budget.queries: the lock has 80, here is 81"), "{message}");
    bench.write("suite.toml", SUITE);
    let other = made_up_cells(false).replace(",81,2", ",81,3");
    bench.write("cells.csv", other);
    bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    let output = elsewhere("fourth");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("data: the lock has"), "{message}");
}

#[test]
fn a_lock_is_not_replaced_without_a_word() {
    let bench = bench();
    let warned = || {
        let output = bench.output(["compare", "suite.toml"]);
        assert!(output.status.success(), "{}", stderr(&output));
        stderr(&output)
    };
    assert!(!warned().contains("lock"));
    assert!(!warned().contains("lock"));
    bench.write(
        "suite.toml",
        SUITE.replace("queries = 80", "queries = 81").replace("sample_size = 3", "sample_size = 4"),
    );
    let message = warned();
    assert_eq!(message.matches("WARN").count(), 1, "{message}");
    assert_eq!(message.matches("budget.queries: the lock has 80, here is 81").count(), 1, "{message}");
    let one =
        "by regularized-evolution in nas-bench-201, benchmark-table: experiment.strategy.sample_size: the lock has 3";
    assert!(message.contains(one), "{message}");
    let lock = fs::read_to_string(bench.path().join("suite.lock")).unwrap();
    let other = lock.replacen("\"observations\": \"", "\"observations\": \"0", 1);
    bench.write("suite.lock", &other);
    let message = warned();
    assert!(message.contains("cells.table by random in nas-bench-201, benchmark-table: observations: "), "{message}");
    bench.write("suite.lock", &other);
    let message = bench.fails(["compare", "suite.toml", "--locked"], 1);
    assert!(message.contains("cells.table by random in nas-bench-201, benchmark-table: observations: "), "{message}");
}

/// A report that is made again leaves no figure of before, and nothing else is touched.
#[test]
fn figures_that_a_report_does_not_have_any_more_are_gone() {
    let bench = bench();
    bench.write("suite.toml", SUITE.replace("[budget]", "[run]\nworkers = 2\n\n[budget]"));
    bench.json(["compare", "suite.toml", "--json"]);
    let figures = bench.path().join("suite-report/figures");
    assert!(figures.join("1-time-value.svg").exists(), "{:?}", files(&figures).keys());
    bench.write("suite-report/figures/1-mine.svg", "");
    bench.write("suite.toml", SUITE);
    bench.json(["compare", "suite.toml", "--output", "fresh", "--json"]);
    bench.json(["compare", "suite.toml", "--json"]);
    let mut report = files(&bench.path().join("suite-report"));
    assert_eq!(report.remove("figures/1-mine.svg"), Some(Vec::new()));
    assert!(report == files(&bench.path().join("fresh")));
}

/// What was seen ranks each architecture once, however often it was looked at.
#[test]
fn an_architecture_counts_once_for_what_the_search_saw() {
    let bench = bench();
    bench.write("suite.toml", SUITE.replace("queries = 80", "queries = 120"));
    bench.json(["compare", "suite.toml", "--json"]);
    let report = bench.path().join("suite-report");
    let observations = fs::read_to_string(report.join("observations.csv")).unwrap();
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in observations.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        seen.entry(fields[2]).or_default().insert(fields[5]);
    }
    assert!(seen["random"].len() > 1_000 && seen["regularized-evolution"].len() < 12 * 120);
    let page = fs::read_to_string(report.join("report.md")).unwrap();
    let table = page.split("### What the search saw").nth(1).unwrap();
    for (method, architectures) in seen {
        let row = table.lines().find(|line| line.starts_with(&format!("| {method} |"))).unwrap();
        assert!(row.ends_with(&format!(" | {} |", architectures.len())), "{row}");
    }
}

const BRANCHES: &str = r#"
name = "branches"
summary = "Either a convolution or a pooling, each with a setting of its own"
network = "network"

[module.network]
kind = "chain"
layers = [
    { op = "conv2d", kernel = 3, channels = { choose = [8, 16], name = "stem" } },
    { choose = { conv = { module = "conv" }, separable = { module = "separable" } }, name = "type" },
    "global-avg-pool",
    { op = "linear", features = "classes" },
]

[module.conv]
kind = "chain"
layers = [{ op = "conv2d", kernel = { choose = [1, 3, 5] }, channels = "in" }]

[module.separable]
kind = "chain"
layers = [{ op = "conv2d", kernel = { choose = [3, 5] }, groups = "in", channels = "in" }]
"#;

/// No network of the space has all decisions active.
#[test]
fn what_good_networks_share_is_found_though_decisions_are_inactive() {
    let bench = Bench::new();
    bench.write("branches.toml", BRANCHES);
    let mut table = String::from("architecture,val_acc,test_acc\n");
    for stem in [8, 16] {
        for (branch, kernels) in [("conv", &[1, 3, 5][..]), ("separable", &[3, 5])] {
            for kernel in kernels {
                let worth = f64::from(kernel * 10 + stem + if branch == "conv" { 20 } else { 0 });
                table += &format!(
                    "\"{{\"\"stem\"\": \"\"{stem}\"\", \"\"type\"\": \"\"{branch}\"\", \"\"{branch}/kernel\"\": \"\"{kernel}\"\"}}\",{worth},{worth}\n"
                );
            }
        }
    }
    bench.write("branches.csv", table);
    bench.json(["table", "import", "branches.csv", "--space", "branches.toml", "--json"]);
    let suite = SUITE.replace("\"nas-bench-201\"", "\"branches.toml\"").replace("cells.table", "branches.table");
    bench.write("suite.toml", suite);
    bench.json(["compare", "suite.toml", "--json"]);
    let page = fs::read_to_string(bench.path().join("suite-report/report.md")).unwrap();
    let motifs = page.split("### Motifs").nth(1).unwrap().split("###").next().unwrap();
    for row in ["| type | conv | 100 % | 50 % |", "| stem | 16 | 100 % | 50 % |", "| conv/kernel | 5 | 100 % | 33 % |"]
    {
        assert!(motifs.contains(row), "{motifs}");
    }
}

/// Whoever goes on from an earlier training pays less for the same.
#[test]
fn costs_that_are_accounted_otherwise_are_told() {
    let bench = Bench::new();
    bench.write("cells.csv", made_up_cells(true));
    bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    let estimator = "[[estimator]]\nuse = \"benchmark-table\"";
    let answer = |estimators: &str| {
        let suite =
            SUITE.replace("[estimator]\nuse = \"benchmark-table\"", estimators).replace("seeds = 12", "seeds = 2");
        bench.write("suite.toml", suite);
        bench.json(["compare", "suite.toml", "--json"]);
        let page = fs::read_to_string(bench.path().join("suite-report/report.md")).unwrap();
        page.lines().find(|line| line.contains("are costs accounted alike?")).unwrap().to_owned()
    };
    assert!(answer(estimator).contains("| Yes: one [budget] for all"));
    let two = format!("{estimator}\n\n{estimator}\nresume = true\nlabel = \"resuming\"");
    let told = answer(&two);
    assert!(told.contains("random + resuming, regularized-evolution + resuming went on from earlier"), "{told}");
}

#[test]
fn what_cannot_be_written_is_told_before_anything_runs() {
    let bench = bench();
    bench.write("taken", "");
    let message = bench.fails(["compare", "suite.toml", "--output", "taken"], 1);
    assert!(message.contains("taken/figures"), "{message}");
    fs::create_dir(bench.path().join("suite.lock")).unwrap();
    let message = bench.fails(["compare", "suite.toml"], 1);
    assert!(message.contains("cannot write suite.lock"), "{message}");
    assert!(!bench.path().join("store/runs/1.journal").exists());
}

#[test]
fn what_does_not_fit_together_is_told_before_anything_runs() {
    let bench = bench();
    let refused = |from: &str, to: &str, says: &str| {
        bench.write("suite.toml", SUITE.replace(from, to));
        let message = bench.fails(["compare", "suite.toml"], 2);
        assert!(message.contains(says), "{message}");
        assert!(!bench.path().join("store/runs/1.journal").exists());
    };
    refused("use = \"benchmark-table\"", "use = \"full-training\"", "the task is a table of measurements");
    refused("use = \"local-search\"", "use = \"darts\"", "needs");
    refused("use = \"local-search\"", "use = \"nothing\"", "nothing");
    refused("use = \"local-search\"", "use = \"random\"", "two [[strategy]] have the same label");
    refused("seeds = 12", "seeds = [1, 1]", "`seeds`");
    refused("seeds = 12", "seeds = 12\nseed = 3", "unknown key `seed`");
    refused("seeds = 12", "seeds = 12\nreport = { target = 94.0 }", "is a share");
    refused("data = \"cells.table\"", "data = \"cells.table\"\nspaces = [\"other\"]", "no [[space]] has this label");
    refused("[budget]\nqueries = 80", "", "budget");
    refused("[estimator]\nuse = \"benchmark-table\"", "", "there is no [[estimator]]");
    // Each with its place in the suite.
    let label = "[[strategy]]\nuse = \"random\"\nlabel";
    refused("use = \"benchmark-table\"", "use = \"full-training\"", "[suite.toml:20:7]");
    refused("use = \"local-search\"", "use = \"darts\"", "[suite.toml:20:7]");
    refused("use = \"local-search\"", "use = \"random\"", "[suite.toml:16:1]");
    refused("use = \"local-search\"", "us = \"local-search\"", "[suite.toml:16:1]");
    refused("[[strategy]]\nuse = \"random\"", &format!("{label} = 3"), "[suite.toml:10:9]");
    refused("seeds = 12", "seeds = [1, 1]", "[suite.toml:3:9]");
    refused("seeds = 12", "seeds = ", "[suite.toml:3:");
    refused("seeds = 12", "seeds = 12\nseed = 3", "[suite.toml:4:8]");
    refused("queries = 80", "queries = 0", "[suite.toml:26:11]");
    refused("queries = 80", "querys = 80", "[suite.toml:26:1]");
    refused("data = \"cells.table\"", "data = \"cells.table\"\ndata_set = \"none\"", "[suite.toml:24:12]");
    refused("data = \"cells.table\"", "data = \"cells.table\"\nspaces = [\"other\"]", "[suite.toml:22:2]");
    bench.write("suite.toml", SUITE);
    let plan = bench.output(["compare", "suite.toml", "--dry-run"]);
    assert!(String::from_utf8(plan.stdout).unwrap().contains("36 runs"));
}

/// Networks are trained, outcomes remembered, and a second run of the suite finds everything there.
#[test]
fn methods_are_compared_by_training_as_well() {
    let bench = Bench::new();
    bench.write(
        "suite.toml",
        "seeds = [3, 5]\n[space]\nuse = \"chain\"\n[[strategy]]\nuse = \"random\"\n[[strategy]]\nuse = \"local-search\"\n\
         [estimator]\nuse = \"full-training\"\n[task]\ndata = \"digits\"\n[task.recipe]\nepochs = 1\n[budget]\nqueries = 2\n\
         [run]\nfinalists = 1\nfinal_seeds = 1\n[report]\nfinal_cost = 10.0\n",
    );
    let compared = bench.json(["compare", "suite.toml", "--json"]);
    assert_eq!(compared["problems"][0]["is_test"], true);
    let report = files(&bench.path().join("suite-report"));
    bench.json(["compare", "suite.toml", "--json"]);
    assert!(files(&bench.path().join("suite-report")) == report);
    assert_eq!(bench.json(["verify", "2", "--json"])["complete"], true);
}

/// One run whose trainer does not start leaves the others to run, and is named.
#[test]
fn a_run_that_fails_does_not_keep_others_from_running() {
    let bench = Bench::new();
    let trainer = archwright_tests::program().with_file_name("archwright-trainer");
    let script = format!(
        "n=$(cat starts 2>/dev/null || echo 0)\necho $((n + 1)) > starts\n[ \"$n\" = 2 ] && exit 1\nexec {} \"$@\"\n",
        trainer.display()
    );
    bench.write("trainer.sh", script);
    bench.write(
        "suite.toml",
        "seeds = [3, 5, 7]\n[space]\nuse = \"chain\"\n[strategy]\nuse = \"random\"\n[estimator]\nuse = \"full-training\"\n\
         [task]\ndata = \"digits\"\n[task.recipe]\nepochs = 1\n[budget]\nqueries = 1\n[run]\nfinalists = 1\nfinal_seeds = 1\n\
         workers = 1\nretries = 0\n[trainer]\ncommand = [\"sh\", \"trainer.sh\"]\ndevices = [\"cpu\"]\n",
    );
    // The suite asks the first trainer what there is; the first run has the second one.
    let output = bench.output(["compare", "suite.toml", "--json"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("digits by random in chain, full-training, seed 5: "), "{told}");
    let compared: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(compared["problems"][0]["methods"][0]["runs"], 2);
    assert_eq!(compared["missing"][0]["seed"], 5);
    let page = fs::read_to_string(bench.path().join("suite-report/report.html")).unwrap();
    assert!(page.contains("1 run is missing") && page.contains("digits by random in chain, full-training, seed 5"));
    assert!(!bench.path().join("suite.lock").exists());
    let compared = bench.json(["compare", "suite.toml", "--json"]);
    assert_eq!(compared["problems"][0]["methods"][0]["runs"], 3);
    assert!(bench.path().join("suite.lock").exists());
}

/// A table may have nothing that a run could find.
#[test]
fn a_run_that_finds_nothing_on_a_table_is_missing() {
    let bench = bench();
    let cells = made_up_cells(false);
    let half: Vec<&str> =
        cells.lines().enumerate().filter(|(line, _)| *line == 0 || line % 2 == 1).map(|(_, row)| row).collect();
    bench.write("cells.csv", half.join("\n"));
    bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    bench.write("suite.toml", SUITE.replace("queries = 80", "queries = 1"));
    let output = bench.output(["compare", "suite.toml", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let compared: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let missing = compared["missing"].as_array().unwrap();
    assert!(!missing.is_empty() && missing[0]["problem"].as_str().unwrap().contains("the table has nothing of"));
    let runs = |method: &serde_json::Value| method["runs"].as_u64().unwrap();
    let there: u64 = compared["problems"][0]["methods"].as_array().unwrap().iter().map(runs).sum();
    assert_eq!(there + missing.len() as u64, 36);
}

/// Along the way and in the end values are of one kind each, and regret is to the best of that kind that is allowed.
#[test]
fn what_is_lacking_is_lacking_to_the_best_that_can_be() {
    let bench = bench();
    let suite = SUITE
        .replace("[budget]", "[constraints]\nparameters = 400_000\n\n[budget]")
        .replace("queries = 80", "queries = 300");
    bench.write("suite.toml", suite);
    let compared = bench.json(["compare", "suite.toml", "--json"]);
    let problem = &compared["problems"][0];
    let best = problem["best"].as_f64().unwrap();
    let unlimited = bench.json(["table", "best", "cells.table", "--measure", "test-accuracy", "-n", "1", "--json"]);
    assert!(best < unlimited[0]["best"][0]["value"].as_f64().unwrap());
    for method in problem["methods"].as_array().unwrap() {
        assert!(method["mean"].as_f64().unwrap() <= best, "{method} is above {best}");
    }
    // Another target is another report of the same runs.
    let suite = fs::read_to_string(bench.path().join("suite.toml")).unwrap();
    bench.write("suite.toml", suite.replace("seeds = 12", "seeds = 12\nreport = { target = 0.5 }"));
    assert_eq!(bench.json(["compare", "suite.toml", "--json"])["comparison"], compared["comparison"]);
}

/// A data file that changed is other data, though it has the same name.
#[test]
fn other_data_is_another_comparison() {
    let bench = Bench::new();
    let suite = "seeds = 1\n[space]\nuse = \"rnn-cell\"\nhidden_size = 8\nembedding_size = 8\n[strategy]\nuse = \"random\"\n[estimator]\n\
                 use = \"full-training\"\n[task]\ndata = \"text.txt\"\n[task.recipe]\nepochs = 1\nbatch_size = 4\n\
                 sequence_length = 8\n[budget]\nqueries = 1\n[run]\nfinalists = 1\nfinal_seeds = 1\n";
    bench.write("suite.toml", suite);
    let comparison = |words: &str| {
        bench.write("text.txt", words.repeat(300));
        bench.json(["compare", "suite.toml", "--json"])["comparison"].clone()
    };
    let first = comparison("one two three four\n");
    assert_eq!(comparison("one two three four\n"), first);
    assert_ne!(comparison("one two four three\n"), first);
}

/// The most memory that a program has at a time, in kilobytes.
fn most_memory(mut command: Command) -> u64 {
    let mut program = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", program.id());
    let mut most = 0;
    while program.try_wait().unwrap().is_none() {
        // It may end while it is looked at.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let now = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most = now.unwrap_or(most);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(program.wait().unwrap().success());
    most
}

#[test]
fn compiling_plugins_takes_little_memory() {
    let bench = bench();
    let (before, after) = SUITE.split_once("[estimator]").unwrap();
    let others = ["tree-parzen", "nsga2", "gaussian-process"].map(|name| format!("[[strategy]]\nuse = \"{name}\"\n\n"));
    bench.write("suite.toml", format!("{before}{}[estimator]{after}", others.concat()));
    let mut command = bench.command(["compare", "suite.toml", "--dry-run"]);
    // Nothing is compiled yet.
    command.env("XDG_CACHE_HOME", bench.path().join("cache"));
    let most = most_memory(command);
    assert!(most < 300_000, "{most} kB");
}
