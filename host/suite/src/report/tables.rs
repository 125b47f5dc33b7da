//! The tables of a report, for the page and for Markdown alike.

use super::analysis::Analysis;
use super::checklist;
use crate::Results;

/// A table of text.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) note: String,
    pub(crate) headers: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

fn table(title: &'static str, note: impl Into<String>, headers: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { title, note: note.into(), headers: headers.iter().map(|&header| header.to_owned()).collect(), rows }
}

/// The least probability that is told as a number: what is less was computed of numbers that are not that exact.
const LEAST_P: f64 = 1e-15;

/// A probability for a reader.
fn p(value: f64) -> String {
    match value {
        value if value < LEAST_P => "< 1e-15".into(),
        value if value < 1e-4 => format!("{value:.1e}"),
        value => format!("{value:.4}"),
    }
}

/// A probability as an equation.
pub(crate) fn p_is(value: f64) -> String {
    if value < LEAST_P { format!("p {}", p(value)) } else { format!("p = {}", p(value)) }
}

fn seconds(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// What there is to say about a problem.
pub(crate) fn of(analysis: &Analysis<'_>) -> Vec<Table> {
    let mut tables = vec![summary(analysis)];
    tables.extend(ranks(analysis));
    tables.extend(pairs(analysis));
    tables.push(target(analysis));
    tables.push(costs(analysis));
    tables.extend(estimators(analysis));
    tables.push(alike(analysis));
    tables.extend(motifs(analysis));
    tables
}

fn summary(analysis: &Analysis<'_>) -> Table {
    let shown = |value: f64| analysis.shown(value);
    let rows = analysis.methods.iter().map(|one| {
        let scale = analysis.problem.scale();
        let spread = one.deviation.map_or_else(String::new, |deviation| format!(" ± {:.3}", deviation * scale));
        let interval = one
            .interval
            .map_or_else(String::new, |interval| format!("{} to {}", shown(interval.low), shown(interval.high)));
        let quartiles = one.quartiles.map_or_else(String::new, |found| {
            format!("{} ({} to {})", shown(found.median), shown(found.low), shown(found.high))
        });
        let regret = analysis.problem.lacks(analysis.problem.best(), one.mean) * scale;
        vec![
            one.method.name.clone(),
            one.finals.len().to_string(),
            format!("{}{spread}", shown(one.mean)),
            interval,
            quartiles,
            format!("{regret:.3}"),
        ]
    });
    let untested = match analysis.problem.untested {
        0 => String::new(),
        some => format!(" {some} of the networks found have no test value, so what the search saw is shown of all."),
    };
    let note = format!(
        "{} of the network that each run found. Mean ± standard deviation over runs; the interval is that of the mean, 95 %, by bootstrap.{untested}",
        capitalized(&analysis.problem.axis())
    );
    table(
        "Results",
        note,
        &["method", "runs", "mean ± sd", "95 % interval of the mean", "median (quartiles)", "regret of the mean"],
        rows.collect(),
    )
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn ranks(analysis: &Analysis<'_>) -> Option<Table> {
    let ranks = analysis.ranks.as_ref()?;
    let mut order: Vec<usize> = (0..analysis.methods.len()).collect();
    order.sort_by(|one, other| ranks.mean[*one].total_cmp(&ranks.mean[*other]));
    let rows = order.into_iter().map(|method| {
        vec![
            analysis.methods[method].method.name.clone(),
            format!("{:.3}", ranks.mean[method]),
            format!("{}", ranks.borda[method]),
            format!("{}", ranks.firsts[method]),
        ]
    });
    let friedman = ranks.friedman.map_or_else(
        || "Friedman's test needs methods that differ.".to_owned(),
        |found| format!("Friedman: chi² = {:.3}, {}.", found.statistic, p_is(found.p)),
    );
    let difference = ranks.difference.map_or_else(String::new, |difference| {
        format!(" Mean ranks that differ by {difference:.3} or more differ significantly (Nemenyi, 5 %).")
    });
    let note = format!("Over the {} seeds that all methods have; 1 is best. {friedman}{difference}", analysis.blocks);
    Some(table("Ranks", note, &["method", "mean rank", "Borda count", "firsts"], rows.collect()))
}

fn pairs(analysis: &Analysis<'_>) -> Option<Table> {
    let rows: Vec<Vec<String>> = analysis
        .pairs
        .iter()
        .map(|pair| {
            let [one, other] = pair.methods.map(|method| analysis.methods[method].method.name.clone());
            vec![
                one,
                other,
                format!("{:+.3}", pair.difference * analysis.problem.scale()),
                p(pair.p),
                pair.paired_p.map_or_else(String::new, p),
                format!("{:.3}", pair.a12),
            ]
        })
        .collect();
    let note = "Difference of means; p of the two-sided Mann-Whitney test and of Wilcoxon's signed ranks over common seeds, both after \
                Holm's correction; A12 is the probability that a run of the first is better than one of the second (Vargha & \
                Delaney 2000; 0.5: alike).";
    (!rows.is_empty()).then(|| {
        table("Pairs", note, &["first", "second", "difference", "p (Mann-Whitney)", "p (Wilcoxon)", "A12"], rows)
    })
}

fn target(analysis: &Analysis<'_>) -> Table {
    let rows = analysis.methods.iter().map(|one| {
        let reached = &one.reached;
        vec![
            one.method.name.clone(),
            format!("{:.0} %", 100.0 * reached.share),
            reached.median.map_or_else(|| "–".to_owned(), |median| format!("{median:.1}")),
        ]
    });
    let note = format!(
        "Queries until the best so far reaches a {} of {}; a run that never does counts as later than all others.",
        analysis.problem.axis_along(),
        analysis.shown(analysis.target)
    );
    table("Time to a target", note, &["method", "runs that reach it", "median queries"], rows.collect())
}

fn costs(analysis: &Analysis<'_>) -> Table {
    let rows = analysis.methods.iter().map(|one| {
        let (runs, search) = (one.finals.len() as f64, one.cost);
        let whole = analysis.final_cost.map_or_else(|| "–".to_owned(), |last| seconds(runs * search + last));
        vec![
            one.method.name.clone(),
            format!("{:.1}", one.queries),
            one.failed.to_string(),
            seconds(search),
            seconds(runs * search),
            whole,
            one.made.to_string(),
            one.remembered.to_string(),
        ]
    });
    let note = "In seconds of the task's clock, validation included; on a table a measurement costs what its training cost, or 1 where \
                no times are recorded. End to end: all runs' searches, and the final training that [report] `final_cost` names.";
    let headers = [
        "method",
        "queries a run",
        "failed",
        "search cost of a run",
        "of all runs",
        "end to end",
        "trained",
        "looked up or remembered",
    ];
    table("Cost", note, &headers, rows.collect())
}

fn estimators(analysis: &Analysis<'_>) -> Option<Table> {
    let rows: Vec<Vec<String>> = analysis
        .methods
        .iter()
        .filter_map(|one| {
            let (tau, count) = one.estimator?;
            Some(vec![one.method.name.clone(), format!("{tau:.3}"), count.to_string()])
        })
        .collect();
    let note = "Kendall's tau-b between what the search saw of architectures and their test values. Each architecture counts once, with \
                the mean of what was seen of it at its highest fidelity.";
    (!rows.is_empty()).then(|| table("What the search saw", note, &["method", "tau", "architectures"], rows))
}

fn alike(analysis: &Analysis<'_>) -> Table {
    let rows = analysis.methods.iter().filter_map(|one| {
        let alike = one.alike.as_ref()?;
        Some(vec![
            one.method.name.clone(),
            format!("{} of {}", alike.distinct, one.finals.len()),
            alike.decisions.map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", 100.0 * share)),
        ])
    });
    let note = "How many of the networks found differ, up to isomorphism, and how many decisions two runs have in common on average.";
    table("How alike runs are", note, &["method", "distinct networks", "decisions in common"], rows.collect())
}

fn motifs(analysis: &Analysis<'_>) -> Option<Table> {
    let rows: Vec<Vec<String>> = analysis
        .motifs
        .iter()
        .map(|motif| {
            vec![
                motif.decision.clone(),
                motif.label.clone(),
                format!("{:.0} %", 100.0 * motif.share),
                format!("{:.0} %", 100.0 * motif.by_chance),
            ]
        })
        .collect();
    let note = "What the networks found by all runs share more often than chance would have it: one of the values that were tried. A \
                decision that is not always active would have each of its values more rarely still.";
    (!rows.is_empty()).then(|| table("Motifs", note, &["decision", "value", "share", "by chance"], rows))
}

/// Settings, versions and digests.
pub(crate) fn setup(results: &Results) -> Vec<Table> {
    let mut rows = Vec::new();
    for problem in &results.problems {
        for method in &problem.methods {
            let parts = &method.parts;
            let part = |part: &archwright_search::Part| {
                let version = part.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
                format!("{}{version} {}", part.name, part.digest)
            };
            let seeds: Vec<String> = method.runs.iter().map(|run| run.seed.to_string()).collect();
            rows.push(vec![
                problem.task.clone(),
                method.name.clone(),
                part(&parts.strategy),
                part(&parts.estimator),
                part(&parts.space),
                format!("{} {}", method.trainer.name, method.trainer.data.digest),
                format!("{}, {}", parts.host, parts.engine),
                condensed(&seeds),
            ]);
        }
    }
    let headers = ["task", "method", "strategy", "estimator", "space", "data", "host and engine", "seeds"];
    let parts = table("Parts", "Names, versions and BLAKE3 digests of everything that was run.", &headers, rows);
    let checklist =
        checklist::answers(results).into_iter().map(|item| vec![item.question.to_owned(), item.answer]).collect();
    let note = "After Lindauer & Hutter 2020 (arXiv:1909.02453), as far as it is on record.";
    vec![parts, table("Checklist", note, &["question", "answer"], checklist)]
}

/// Numbers that follow on each other as a range.
fn condensed(seeds: &[String]) -> String {
    let numbers: Vec<u64> = seeds.iter().filter_map(|seed| seed.parse().ok()).collect();
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) if numbers.len() > 2 && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1) => {
            format!("{first} to {last}")
        }
        _ => seeds.join(", "),
    }
}

/// A method's settings as TOML.
pub(crate) fn settings(experiment: &archwright_search::Experiment) -> String {
    experiment.to_toml().unwrap_or_else(|error| format!("cannot be written as TOML: {error}"))
}

#[cfg(test)]
mod tests {
    use super::p_is;

    #[test]
    fn no_probability_is_nothing() {
        let told = [0.0, 1e-320, 3e-15, 0.0321, 1.0].map(p_is);
        assert_eq!(told, ["p < 1e-15", "p < 1e-15", "p = 3.0e-15", "p = 0.0321", "p = 1.0000"]);
    }
}
