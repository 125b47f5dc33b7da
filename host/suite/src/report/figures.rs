//! The figures of a report.

use archwright_compare::figure::{
    Axis, Curve, Differences, RankCurve, Sample, anytime, average_rank, critical_difference_diagram, distribution,
};
use archwright_compare::{
    Band, Better, Bootstrap, common_grid, mean_curve, mean_ranks_over_budget, median_curve, values_at,
};

use super::analysis::Analysis;
use crate::SuiteError;
use crate::results::{Problem, Run};

/// Most positions of a curve.
const POINTS: usize = 500;

/// A figure, and what it shows.
pub(crate) struct Figure {
    /// Names its file.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) caption: String,
    pub(crate) svg: String,
}

/// Draws everything that there is to draw of problem number `number`.
pub(crate) fn draw(analysis: &Analysis<'_>, number: usize) -> Result<Vec<Figure>, SuiteError> {
    let mut drawing = Drawing { analysis, number, figures: Vec::new() };
    drawing.by_queries()?;
    if !analysis.is_uniform {
        drawing.by("cost", "cost (s of the task's clock)", |run| &run.trace.cost)?;
    }
    if analysis.workers > 1 {
        let label = format!("time with {} workers (s)", analysis.workers);
        drawing.by("time", &label, |run| &run.trace.at)?;
    }
    drawing.finals()?;
    drawing.differences()?;
    Ok(drawing.figures)
}

struct Drawing<'a> {
    analysis: &'a Analysis<'a>,
    number: usize,
    figures: Vec<Figure>,
}

/// What all curves share: positions, and for each method and run the values there.
struct Grid {
    positions: Vec<f64>,
    values: Vec<Vec<Vec<f64>>>,
}

impl<'a> Drawing<'a> {
    fn add(&mut self, kind: &str, title: &str, caption: String, svg: String) {
        let (id, title) = (format!("{}-{kind}", self.number), title.to_owned());
        self.figures.push(Figure { id, title, caption, svg });
    }

    fn problem(&self) -> &'a Problem {
        self.analysis.problem
    }

    fn by_queries(&mut self) -> Result<(), SuiteError> {
        let problem = self.problem();
        let runs = || problem.methods.iter().flat_map(|method| &method.runs);
        let most = runs().map(|run| run.trace.value.len()).max().unwrap_or(0);
        let step = most.div_ceil(POINTS).max(1);
        let positions: Vec<f64> = (1..=most)
            .filter(|query| query % step == 0 || *query == 1 || *query == most)
            .map(|query| query as f64)
            .collect();
        let worst = worst(problem);
        let at = |run: &Run| {
            let trace = &run.trace.value;
            // A run that ended before the others stays at what it had.
            let value =
                |position: &f64| trace.get((*position as usize - 1).min(trace.len().saturating_sub(1))).copied();
            positions.iter().map(|position| value(position).filter(|value| !value.is_nan()).unwrap_or(worst)).collect()
        };
        let values = problem.methods.iter().map(|method| method.runs.iter().map(at).collect()).collect();
        let grid = Grid { positions, values };
        self.curves("queries", "queries", &grid)?;
        let better = problem.better;
        // Ranks need the same seeds of all methods.
        let blocks = self.analysis.blocks;
        let complete = problem.methods.iter().all(|method| method.runs.len() == blocks);
        if complete
            && blocks > 0
            && problem.methods.len() > 1
            && let Ok(ranks) = mean_ranks_over_budget(&grid.values, better)
        {
            let curves: Vec<RankCurve<'_>> = problem
                .methods
                .iter()
                .zip(&ranks)
                .map(|(method, ranks)| RankCurve { name: &method.name, ranks })
                .collect();
            let title = "Average rank";
            let svg = average_rank(title, &Axis::linear("queries"), &grid.positions, &curves, blocks)?;
            let caption =
                format!("Mean rank of each method among all, over {blocks} seeds; 1 is best, ties share ranks.");
            self.add("ranks", title, caption, svg);
        }
        Ok(())
    }

    fn by(&mut self, kind: &str, label: &str, position: impl Fn(&Run) -> &Vec<f64>) -> Result<(), SuiteError> {
        let problem = self.problem();
        let runs: Vec<&[f64]> =
            problem.methods.iter().flat_map(|method| &method.runs).map(|run| position(run).as_slice()).collect();
        let positions = common_grid(&runs, POINTS);
        if positions.len() < 2 || positions.first() == positions.last() {
            return Ok(());
        }
        let worst = worst(problem);
        let at = |run: &Run| {
            let values = values_at(position(run), &run.trace.value, &positions);
            values.into_iter().map(|value| value.filter(|value| !value.is_nan()).unwrap_or(worst)).collect()
        };
        let values = problem.methods.iter().map(|method| method.runs.iter().map(at).collect()).collect();
        self.curves(kind, label, &Grid { positions, values })
    }

    /// Mean values, mean regret and median regret over a grid.
    fn curves(&mut self, kind: &str, label: &str, grid: &Grid) -> Result<(), SuiteError> {
        let problem = self.problem();
        let (scale, best) = (problem.scale(), problem.best_along());
        let scaled: Vec<Vec<Vec<f64>>> = map(&grid.values, |value| value * scale);
        let regret: Vec<Vec<Vec<f64>>> = map(&grid.values, |value| problem.lacks(best, value) * scale);
        let across = Axis::linear(label);
        let axis = problem.axis_along();
        let regret_axis =
            format!("regret ({})", if scale == 100.0 { "percentage points" } else { "in the objective's unit" });
        let known = if problem.is_test_along { problem.optimum.test } else { problem.optimum.seen };
        let of = match known {
            Some(_) => "the best that there is",
            None => "the best that any run found",
        };
        let bootstrap = Bootstrap::default();
        let mean = |runs: &Vec<Vec<f64>>| mean_curve(runs, &bootstrap);
        let band = format!("mean with its 95 % bootstrap interval ({} resamples of runs)", bootstrap.resamples);
        let intro = format!("The best architecture so far by what the search saw, over {label}");
        self.panel(
            (kind, "value"),
            &format!("Best so far by {kind}"),
            &across,
            &Axis::linear(&axis),
            grid,
            &scaled,
            mean,
            format!("{intro}: {band}."),
        )?;
        if regret.iter().flatten().flatten().any(|value| *value > 0.0) {
            let up = Axis::log(&regret_axis);
            self.panel(
                (kind, "regret"),
                &format!("Regret by {kind}, log"),
                &across,
                &up,
                grid,
                &regret,
                mean,
                format!("{intro}, less than {of}: {band}; logarithmic."),
            )?;
            let median = |runs: &Vec<Vec<f64>>| median_curve(runs);
            self.panel(
                (kind, "median-regret"),
                &format!("Median regret by {kind}"),
                &across,
                &Axis::linear(&regret_axis),
                grid,
                &regret,
                median,
                format!("{intro}, less than {of}: median with quartiles; linear."),
            )?;
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "a figure is its parts")]
    fn panel<E>(
        &mut self,
        (kind, what): (&str, &str),
        title: &str,
        across: &Axis,
        up: &Axis,
        grid: &Grid,
        values: &[Vec<Vec<f64>>],
        band: impl Fn(&Vec<Vec<f64>>) -> Result<Band, E>,
        caption: String,
    ) -> Result<(), SuiteError> {
        let Ok(bands) = values.iter().map(band).collect::<Result<Vec<Band>, E>>() else { return Ok(()) };
        let problem = self.problem();
        let curves: Vec<Curve<'_>> = problem
            .methods
            .iter()
            .zip(&bands)
            .map(|(method, band)| Curve { name: &method.name, positions: &grid.positions, band })
            .collect();
        let svg = anytime(title, across, up, &curves)?;
        self.add(&format!("{kind}-{what}"), title, caption, svg);
        Ok(())
    }

    fn finals(&mut self) -> Result<(), SuiteError> {
        let problem = self.problem();
        let (scale, best) = (problem.scale(), problem.best());
        let values: Vec<Vec<f64>> = self
            .analysis
            .methods
            .iter()
            .map(|one| one.finals.iter().map(|value| problem.lacks(best, *value) * scale).collect())
            .collect();
        if values.iter().flatten().any(|value| !value.is_finite()) {
            return Ok(());
        }
        let samples: Vec<Sample<'_>> =
            problem.methods.iter().zip(&values).map(|(method, values)| Sample { name: &method.name, values }).collect();
        let unit = if scale == 100.0 { "percentage points" } else { "in the objective's unit" };
        let title = "Final regret";
        let svg = distribution(title, &Axis::linear(&format!("final regret ({unit})")), &samples)?;
        let caption = "What the found network of each run lacks of the best: quartiles, with whiskers to 1.5 times their distance, and every run as a point.";
        self.add("final", title, caption.into(), svg);
        Ok(())
    }

    fn differences(&mut self) -> Result<(), SuiteError> {
        let Some(ranks) = &self.analysis.ranks else { return Ok(()) };
        let names: Vec<&str> = self.problem().methods.iter().map(|method| method.name.as_str()).collect();
        let blocks = self.analysis.blocks;
        let mut drawn = Vec::new();
        for (kind, test, groups, difference) in [
            ("nemenyi", "Nemenyi", &ranks.nemenyi, ranks.difference),
            ("wilcoxon", "Wilcoxon-Holm", &ranks.wilcoxon, None),
        ] {
            let differences = Differences { names: &names, mean_ranks: &ranks.mean, groups, difference, test, blocks };
            let title = format!("Critical differences, {test}");
            let svg = critical_difference_diagram(&title, &differences)?;
            let caption = format!(
                "Mean ranks over {blocks} seeds (Demšar 2006); bars join methods that the {test} test does not tell apart at 5 %."
            );
            drawn.push((kind, title, caption, svg));
        }
        for (kind, title, caption, svg) in drawn {
            self.add(kind, &title, caption, svg);
        }
        Ok(())
    }
}

/// The worst value that any run was at: what one is at that has not found anything yet.
fn worst(problem: &Problem) -> f64 {
    let values = problem.methods.iter().flat_map(|method| &method.runs).flat_map(|run| &run.trace.value);
    let known = values.copied().filter(|value| !value.is_nan());
    let fold = match problem.better {
        Better::Higher => f64::min,
        Better::Lower => f64::max,
    };
    known.reduce(fold).unwrap_or(0.0)
}

fn map(values: &[Vec<Vec<f64>>], with: impl Fn(f64) -> f64 + Copy) -> Vec<Vec<Vec<f64>>> {
    let row = |run: &Vec<f64>| run.iter().map(|value| with(*value)).collect();
    values.iter().map(|runs| runs.iter().map(row).collect()).collect()
}
