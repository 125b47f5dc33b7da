//! Tables of measurements, and searches on them.

use std::collections::BinaryHeap;
use std::fs;

use archwright_tests::{Bench, made_up_cells, stderr};
use serde_json::Value;

/// A bench with a table of learning curves.
fn bench(curves: bool) -> Bench {
    let bench = Bench::new();
    bench.write("cells.csv", made_up_cells(curves));
    let made = bench.json(["table", "import", "cells.csv", "--space", "nas-bench-201", "--json"]);
    assert_eq!(made["head"]["architectures"], 15_625);
    bench
}

fn experiment(strategy: &str, estimator: &str, rest: &str) -> String {
    format!(
        "[space]\nuse = \"nas-bench-201\"\n[strategy]\n{strategy}\n[estimator]\nuse = \"benchmark-table\"\n{estimator}\n\
         [task]\ndata = \"cells.table\"\n{rest}\n"
    )
}

#[test]
fn a_table_says_what_is_in_it_and_what_is_best() {
    let bench = bench(true);
    let info = bench.json(["table", "info", "cells.table", "--json"]);
    assert_eq!(info["head"]["seeds"], 2);
    assert_eq!(info["head"]["epochs"], serde_json::json!([1, 9, 81]));
    let best = bench.json(["table", "best", "cells.table", "-n", "1", "--json"]);
    let cell = &best[0]["best"][0]["text"];
    assert_eq!(cell, "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|");
    let wrong = bench.fails(["table", "best", "cells.table", "--measure", "test-loss"], 2);
    assert!(wrong.contains("no test-loss of made"), "{wrong}");
    bench.write("torn.table", &fs::read(bench.path().join("cells.table")).unwrap()[..1000]);
    assert!(bench.fails(["table", "info", "torn.table"], 2).contains("damaged"));
}

/// What the search sees is the validation accuracy, what it comes to the test accuracy; a run goes on after any cut to the
/// same journal, and verifies.
#[test]
fn a_run_on_a_table_goes_on_to_the_same_end() {
    let bench = bench(true);
    let strategy = "use = \"regularized-evolution\"\npopulation_size = 10\nsample_size = 3";
    let run = "[budget]\nqueries = 60\n[run]\nworkers = 3";
    bench.write("e.toml", experiment(strategy, "trainings = \"random\"", run));
    let report = bench.json(["run", "e.toml", "--json"]);
    let (seen, test) = (&report["found"]["validation_accuracy"], &report["test_accuracy"]);
    assert!(seen.as_f64().unwrap() > test.as_f64().unwrap(), "{report}");
    assert_eq!(report["tried"]["trained"], 0);
    let journal = bench.path().join("store/runs/1.journal");
    let whole = fs::read(&journal).unwrap();
    bench.json(["verify", "1", "--deep", "5", "--json"]);
    for share in [1, 4, 7, 9] {
        fs::write(&journal, &whole[..whole.len() * share / 10]).unwrap();
        let database = bench.path().join("store/archwright.db");
        let sql = "UPDATE run SET status = 'running', result = NULL, ended = NULL";
        let changed = rusqlite::Connection::open(&database).unwrap().execute(sql, []).unwrap();
        assert_eq!(changed, 1);
        assert_eq!(bench.json(["resume", "1", "--json"]), report);
        assert!(fs::read(&journal).unwrap() == whole, "cut at {share} tenths, the journal is another");
    }
}

#[test]
fn what_does_not_fit_a_table_is_refused_before_it_starts() {
    let bench = bench(false);
    let refused = |text: String, says: &str| {
        bench.write("e.toml", text);
        let message = bench.fails(["run", "e.toml"], 2);
        assert!(message.contains(says), "{message}");
    };
    let random = "use = \"random\"";
    let budget = "[budget]\nqueries = 5";
    let with = |from: &str, to: &str| experiment(random, "", budget).replace(from, to);
    refused(with("benchmark-table", "full-training"), "the task is a table of measurements");
    refused(with("nas-bench-201", "darts"), "differs from this one");
    refused(with("cells.table\"", "cells.table\"\ndata_set = \"cifar\""), "no data set `cifar`");
    refused(with("cells.table\"", "cells.table\"\nobjectives = [\"latency\"]"), "nothing for the objective `latency`");
    refused(with("cells.table", "digits"), "the task is none");
    refused(with("cells.table", "cells.csv"), "cells.csv --space nas-bench-201`, and name that");
    refused(with("data = \"cells.table\"", "data = \"digits\"\nsignal = \"test\""), "is for tables of measurements");
    bench.write("test.csv", "architecture,test_acc\n|none~0|+|none~0|none~1|+|none~0|none~1|none~2|,0.1\n");
    bench.json(["table", "import", "test.csv", "--space", "nas-bench-201", "--json"]);
    refused(with("cells.table", "test.table"), "signal = \"test\"");
    refused(with("cells.table\"", "test.table\"\ndata_set = \"made\""), "no data set `made`: its only one has no name");
    let wrong = bench.fails(["table", "best", "test.table", "--measure", "test-loss"], 2);
    assert!(wrong.contains("the table has no test-loss\n"), "{wrong}");
    let wrong = bench.fails(["table", "import", "test.csv", "--space", "nas-bench-201", "-o", "other.table"], 2);
    assert!(wrong.contains("`--output other.table`"), "{wrong}");
    let text = with("cells.table\"", "test.table\"\nsignal = \"test\"");
    bench.write("e.toml", text);
    let output = bench.output(["run", "e.toml"]);
    let told = stderr(&output);
    assert!(told.contains("the table has nothing of"), "{told}");
    assert_eq!(told.matches("WARN").count(), 1, "{told}");
    assert!(told.contains("5 look-ups failed, the last one so: the table has nothing of"), "{told}");
    let told = stderr(&bench.output(["-vv", "run", "e.toml"]));
    assert_eq!(told.matches("look-up failed").count(), 5, "{told}");
}

/// Simulated workers against a simulation by hand: each takes the next query as soon as it is free, and is busy for as long
/// as the training took.
#[test]
fn simulated_workers_take_their_time() {
    let bench = bench(true);
    let workers = 3;
    bench.write("e.toml", experiment("use = \"random\"", "", "[budget]\nqueries = 40\n[run]\nworkers = 3"));
    bench.json(["run", "e.toml", "--json"]);
    let output = bench.output(["journal", "1"]);
    let records: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let all = |kind: &str| records.iter().filter_map(|record| record.get(kind)).cloned().collect::<Vec<Value>>();
    let arrived = all("arrived");
    let seconds = |arrival: &Value| arrival["result"]["Ok"]["seconds"].as_f64().unwrap();
    let mut by_ticket: Vec<&Value> = arrived.iter().filter(|one| one["ticket"].as_u64().unwrap() < 40).collect();
    by_ticket.sort_by_key(|one| one["ticket"].as_u64());
    assert_eq!(by_ticket.len(), 40);
    let mut free: BinaryHeap<std::cmp::Reverse<u64>> = (0..workers).map(|_| std::cmp::Reverse(0)).collect();
    for arrival in by_ticket {
        // Half seconds are whole numbers of halves.
        let std::cmp::Reverse(start) = free.pop().unwrap();
        let end = start + (seconds(arrival) * 2.0) as u64;
        assert_eq!(arrival["at"].as_f64().unwrap() * 2.0, end as f64, "{arrival}");
        free.push(std::cmp::Reverse(end));
    }
    let times: Vec<f64> = arrived.iter().map(|one| one["at"].as_f64().unwrap()).collect();
    assert!(times.is_sorted(), "outcomes come in the order of their ends");
}

/// A rung of the simulation by hand: values by query, in the order in which they were told, and who was promoted.
#[derive(Default)]
struct Rung {
    told: Vec<(u64, f64)>,
    promoted: Vec<u64>,
}

/// Asynchronous successive halving with eight simulated workers, against a simulation of its events by hand: who is promoted
/// when, and when each outcome is there (Li et al. 2020, algorithm 2).
#[test]
fn asynchronous_halving_does_what_a_simulation_by_hand_does() {
    const ETA: usize = 9;
    const QUERIES: usize = 400;
    let bench = bench(true);
    let strategy = "use = \"asha\"\nmax_resource = 81\nmin_resource = 1\neta = 9";
    let rest = format!("[budget]\nqueries = {QUERIES}\n[run]\nworkers = 8");
    bench.write("e.toml", experiment(strategy, "", &rest));
    bench.json(["run", "e.toml", "--json"]);
    let text = String::from_utf8(bench.output(["journal", "1"]).stdout).unwrap();
    let mut asked: Vec<(f64, Option<u64>)> = Vec::new();
    let mut arrived = vec![(0.0, 0.0, 0.0); QUERIES];
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        for query in record["asked"]["answer"]["Ok"]["queries"].as_array().into_iter().flatten() {
            asked.push((query["fidelity"].as_f64().unwrap(), query["parent"].as_u64()));
        }
        // One action a query: tickets and queries have the same numbers.
        if let Some(arrival) = record.get("arrived")
            && let Some(slot) = arrived.get_mut(arrival["ticket"].as_u64().unwrap() as usize)
        {
            let outcome = &arrival["result"]["Ok"];
            let number = |value: &Value| value.as_f64().unwrap();
            *slot = (number(&outcome["seconds"]), number(&outcome["metrics"]["accuracy"]), number(&arrival["at"]));
        }
    }
    assert_eq!(asked.len(), QUERIES);

    let mut rungs = [Rung::default(), Rung::default(), Rung::default()];
    let fidelities = [1.0 / 81.0, 9.0 / 81.0, 1.0];
    let rung_of = |fidelity: f64| fidelities.iter().position(|one| (one - fidelity).abs() < 1e-9).unwrap();
    let mut next = 0;
    let mut running: Vec<(f64, u64)> = Vec::new();
    let mut now = 0.0;
    loop {
        while running.len() < 8 && next < QUERIES as u64 {
            let promotion = (0..2).rev().find_map(|level| {
                let mut best = rungs[level].told.clone();
                best.sort_by(|left, right| right.1.total_cmp(&left.1));
                best.truncate(best.len() / ETA);
                let found = best.into_iter().find(|(query, _)| !rungs[level].promoted.contains(query))?;
                Some((level, found.0))
            });
            let (fidelity, parent) = asked[next as usize];
            match promotion {
                Some((level, query)) => {
                    rungs[level].promoted.push(query);
                    assert_eq!((rung_of(fidelity), parent), (level + 1, Some(query)), "query {next}");
                }
                None => assert_eq!((rung_of(fidelity), parent), (0, None), "query {next}"),
            }
            running.push((now + arrived[next as usize].0, next));
            next += 1;
        }
        // Of those that end together, the one that was asked for first.
        running.sort_by(|left, right| left.partial_cmp(right).unwrap());
        let Some((end, query)) = (!running.is_empty()).then(|| running.remove(0)) else { break };
        now = end;
        let (_, value, at) = arrived[query as usize];
        assert_eq!(at, end, "query {query}");
        rungs[rung_of(asked[query as usize].0)].told.push((query, value));
    }
    assert!(rungs[2].told.len() > 2, "some were trained in full");
}
