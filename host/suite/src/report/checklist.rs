//! The checklist for NAS research (Lindauer & Hutter 2020, "Best Practices for Scientific Research on Neural Architecture
//! Search", arXiv:1909.02453), answered from what is recorded.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{Method, Results};

/// A question, and what is on record about it.
pub(crate) struct Item {
    pub(crate) question: &'static str,
    pub(crate) answer: String,
}

pub(crate) fn answers(results: &Results) -> Vec<Item> {
    let methods = || results.problems.iter().flat_map(|problem| &problem.methods);
    let has_random = methods().any(|method| method.experiment.strategy.name.ends_with("random"));
    let on_tables = results.problems.iter().filter(|problem| problem.optimum.seen.is_some()).count();
    let same_task = results.problems.iter().all(|problem| {
        problem.methods.windows(2).all(|pair| {
            let [one, other] =
                [&pair[0], &pair[1]].map(|method| (&method.trainer.data.digest, &method.experiment.task));
            one == other
        })
    });
    let same_machine = results.problems.iter().all(|problem| {
        problem.methods.windows(2).all(|pair| {
            let [one, other] =
                [&pair[0], &pair[1]].map(|method| (&method.trainer.numerics, &method.trainer.device.name));
            one == other
        })
    });
    let runs: Vec<usize> = methods().map(|method| method.runs.len()).collect();
    let (least, most) = (runs.iter().min().copied().unwrap_or(0), runs.iter().max().copied().unwrap_or(0));
    let item = |question, answer: String| Item { question, answer };
    vec![
        item(
            "Is the code of the training pipeline, the search space and the method available?",
            "Host, plugins and spaces are named by version and BLAKE3 digest under \"What was run\"; the store keeps a copy of each.".into(),
        ),
        item(
            "Are all hyperparameters and seeds of method and final evaluation given?",
            "Yes: every setting and every seed is under \"What was run\".".into(),
        ),
        item(
            "Did all methods use the same data, split, space and training pipeline?",
            if same_task { "Yes: the same settings and data digest for all methods of a problem.".into() } else { "No: tasks differ, see \"What was run\".".into() },
        ),
        item(
            "Were hardware and software the same for all methods?",
            if same_machine { "Yes: the same trainer, device and numerics for all methods of a problem.".into() } else { "No: trainers differ, see \"What was run\".".into() },
        ),
        item("Did all methods have the same budget, and are costs accounted alike?", costs(results)),
        item("Is performance over time compared?", "Yes: by queries, and by cost where queries cost differently.".into()),
        item("Is random search among the methods?", if has_random { "Yes.".into() } else { "No: add [[strategy]] use = \"random\".".into() }),
        item(
            "Are there several runs, and are their seeds reported?",
            match (least, most) {
                (0 | 1, _) => "No: a single run says little.".into(),
                (least, most) if least == most => format!("Yes: {most} of each method."),
                (least, most) => format!("Yes: {least} to {most} of each method."),
            },
        ),
        item(
            "Were tabular or surrogate benchmarks used for in-depth evaluation?",
            match on_tables {
                0 => "No: every run trained its networks.".into(),
                all if all == results.problems.len() => "Yes: on all problems.".into(),
                some => format!("On {some} of {} problems.", results.problems.len()),
            },
        ),
        item("Is the search's view (validation) kept apart from what is reported (test)?", {
            let signal = methods().any(|method| method.experiment.task.signal == Some(archwright_search::experiment::Signal::Test));
            if signal { "No: on a task with `signal = \"test\"` the search saw the test values.".into() } else { "Yes.".into() }
        }),
        item(
            "Is the end-to-end cost reported, not that of the search alone?",
            "Yes where [report] gives `final_cost`: runs times search, and the final training.".into(),
        ),
        item("How were the methods' own hyperparameters tuned, and at what cost?", "Not on record: say it beside this report.".into()),
        item("Were ablations made?", "Not on record: each variant is a [[strategy]] of its own.".into()),
    ]
}

/// Whether methods that are compared have the same budget and pay alike for the same trainings.
fn costs(results: &Results) -> String {
    let alike = |same: &dyn Fn(&Method, &Method) -> bool| {
        let mut pairs = results.problems.iter().flat_map(|problem| problem.methods.windows(2));
        pairs.all(|pair| same(&pair[0], &pair[1]))
    };
    if !alike(&|one, other| one.experiment.budget == other.experiment.budget) {
        return "No: budgets differ, see \"What was run\".".into();
    }
    let resumes = |method: &Method| method.experiment.estimator.options.get("resume") == Some(&Value::Bool(true));
    if !alike(&|one, other| resumes(one) == resumes(other)) {
        let methods = results.problems.iter().flat_map(|problem| &problem.methods);
        let names: BTreeSet<&str> = methods.filter(|method| resumes(method)).map(|method| &*method.name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        return format!(
            "One [budget] for all, but trainings cost less in some: {} went on from earlier trainings and paid for what was new \
             (`resume = true`), the others for each training from its start.",
            names.join(", ")
        );
    }
    "Yes: one [budget] for all; a measurement costs what its training cost, whoever asks and whether it was remembered or not."
        .into()
}
