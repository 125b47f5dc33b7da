//! Comparisons: suites, what is left of one that is killed, reports, locks.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use archwright_tests::{Bench, made_up_cells};

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
    bench.json(["compare", "suite.toml", "--output", "killed", "--json"]);
    assert!(files(&bench.path().join("killed")) == files(&bench.path().join("undisturbed")));
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
fn compiling_several_plugins_takes_no_more_memory_than_compiling_one() {
    let bench = bench();
    let compiling = |name: &str, suite: &str| {
        bench.write(name, suite);
        let mut command = bench.command(["compare", name, "--dry-run"]);
        command.env("XDG_CACHE_HOME", bench.path().join(format!("cache-{name}")));
        most_memory(command)
    };
    let (before, _) = SUITE.split_once("[[strategy]]\nuse = \"regularized").unwrap();
    let (_, after) = SUITE.split_once("[estimator]").unwrap();
    let two = compiling("two.toml", &format!("{before}[estimator]{after}"));
    let others = ["tree-parzen", "nsga2", "gaussian-process"].map(|name| format!("[[strategy]]\nuse = \"{name}\"\n"));
    let seven = compiling("seven.toml", &SUITE.replace("[estimator]", &format!("{}[estimator]", others.concat())));
    assert!(seven < two * 3 / 2, "{seven} kB for seven, {two} kB for two");
}
