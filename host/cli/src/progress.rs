//! How a run looks while it goes on.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use archwright_search::{Event, Observer, Search, Summary};
use indicatif::{HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value};

use crate::runs::{count, estimated};

/// Bars are drawn on standard error; the log has to be written above them.
fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
}

/// Writes the log to standard error without tearing the bars.
pub(crate) fn log_writer() -> impl Write {
    struct AboveBars;

    impl Write for AboveBars {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            bars().suspend(|| io::stderr().write(bytes))
        }

        fn flush(&mut self) -> io::Result<()> {
            io::stderr().flush()
        }
    }

    AboveBars
}

/// Lines that stand in for bars where standard error is no terminal.
struct Lines {
    started: Instant,
    /// When the last line was written.
    last: Instant,
}

/// Longest time without a line, as long as something happens.
const SILENCE: Duration = Duration::from_secs(60);
/// Parts of the budget after each of which there is a line.
const PARTS: u64 = 10;

impl Lines {
    /// For a standard error that is no terminal.
    fn new() -> Option<Self> {
        let now = Instant::now();
        (!io::stderr().is_terminal()).then_some(Self { started: now, last: now })
    }

    /// Whether a line is due after `done` of `all`, which is unknown where other budgets count.
    fn due(&self, done: u64, all: Option<u64>) -> bool {
        self.last.elapsed() >= SILENCE || all.is_some_and(|all| ends_part(done, all))
    }

    /// What `line` starts with and the time that has gone.
    fn line(&mut self, line: &str) -> String {
        self.last = Instant::now();
        format!("  {line}, {} gone", HumanDuration(self.started.elapsed()))
    }
}

/// Whether a part of `all` ends with number `done`.
fn ends_part(done: u64, all: u64) -> bool {
    let part = |done: u64| u128::from(done) * u128::from(PARTS) / u128::from(all.max(1));
    done > 0 && part(done) > part(done - 1)
}

/// Shows a run on standard error.
pub(crate) struct Progress {
    bar: ProgressBar,
    objective: String,
    best: Option<f64>,
    failed: u64,
    final_bar: Option<ProgressBar>,
    lines: Option<Lines>,
    /// How far shared weights are, while they are trained.
    shared: Option<Shared>,
}

/// Epochs of shared weights.
#[derive(Clone, Copy)]
struct Shared {
    done: f64,
    all: u32,
}

impl Shared {
    /// Parts of all training that are over.
    fn parts(self) -> u64 {
        (self.done * PARTS as f64 / f64::from(self.all.max(1))) as u64
    }
}

impl std::fmt::Display for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An epoch that is under way counts by its share, as one that is over does in full.
        let done = format!("{:.1}", self.done);
        write!(f, "shared weights: epoch {} of {}", done.trim_end_matches(".0"), HumanCount(self.all.into()))
    }
}

impl Progress {
    pub(crate) fn new(search: &Search) -> Self {
        let experiment = search.experiment();
        let bar = match experiment.budget.queries {
            Some(queries) => ProgressBar::new(queries)
                .with_style(style("{bar:30} {pos}/{len} architectures  {msg}  {per_sec}  {elapsed} gone, {eta} to go")),
            None => ProgressBar::new_spinner()
                .with_style(style("{spinner} {pos} architectures  {msg}  {per_sec}  {elapsed} gone")),
        };
        let objective = experiment.task.objectives.first().map(|one| serde_json::json!(one));
        Self {
            bar: bars().add(bar),
            objective: objective.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default(),
            best: None,
            failed: 0,
            final_bar: None,
            lines: Lines::new(),
            shared: None,
        }
    }

    /// Takes the bars away.
    pub(crate) fn close(&self) {
        self.bar.finish_and_clear();
        if let Some(bar) = &self.final_bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, line: &str) {
        bars().suspend(|| eprintln!("{line}"));
    }

    fn message(&self) -> String {
        let best = self.best.map(|best| format!("best {} {}", self.objective, estimated(best)));
        let failed = (self.failed > 0).then(|| format!("{} failed", self.failed));
        let shared = self.shared.filter(|shared| shared.done < f64::from(shared.all)).map(|shared| shared.to_string());
        [shared, best, failed].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Says how far the search is, where no bar does and it is time to; `told`: right after an observation.
    fn tell_search(&mut self, told: bool) {
        let (done, all) = (self.bar.position(), self.bar.length());
        let message = self.message();
        let Some(lines) = &mut self.lines else { return };
        if lines.due(done, all.filter(|_| told)) {
            let of = all.map(|all| format!(" of {}", HumanCount(all))).unwrap_or_default();
            let separator = if message.is_empty() { "" } else { ", " };
            let line = lines.line(&format!("{}{of} architectures{separator}{message}", HumanCount(done)));
            self.line(&line);
        }
    }

    /// Says how far shared weights are, where no bar does and another part of their training is over.
    fn tell_shared(&mut self, shared: Shared) {
        let before = self.shared.replace(shared).map_or(0, Shared::parts);
        self.bar.set_message(self.message());
        if let (true, Some(lines)) = (shared.parts() > before, &mut self.lines) {
            let line = lines.line(&shared.to_string());
            self.line(&line);
        }
    }

    /// Says how many finalists' trainings are done, where no bar does.
    fn tell_finale(&mut self) {
        let (Some(lines), Some(bar)) = (&mut self.lines, &self.final_bar) else { return };
        let line = lines.line(&format!("retrained {} of {}", bar.position(), bar.length().unwrap_or_default()));
        self.line(&line);
    }

    /// Says that a training goes on, where nothing was said for long.
    fn tell_patience(&mut self) {
        if self.final_bar.is_none() {
            self.tell_search(false);
        } else if self.lines.as_ref().is_some_and(|lines| lines.due(0, None)) {
            self.tell_finale();
        }
    }

    fn start(&self, summary: &Summary) {
        let Summary { run, settings, trainer, space_size, workers, resumed } = summary;
        self.line(&format!("Run {run}{}", if *resumed { ", going on from its journal" } else { "" }));
        for section in ["space", "strategy", "estimator", "task", "budget", "run", "trainer", "engine", "limits"] {
            let Some(Value::Object(table)) = settings.get(section) else { continue };
            let mut text = Vec::new();
            flatten("", table, &mut text);
            // The part comes before its options.
            text.sort_by_key(|setting| !setting.starts_with("use="));
            let options = textwrap::Options::with_termwidth()
                .subsequent_indent("             ")
                .break_words(false)
                .word_splitter(textwrap::WordSplitter::NoHyphenation);
            self.line(&textwrap::fill(&format!("  {section:<10} {}", text.join(" ")), options));
        }
        let data = &trainer.data;
        let parts = format!(
            "{} training, {} validation and {} test",
            HumanCount(data.train),
            HumanCount(data.validation),
            HumanCount(data.test)
        );
        let examples = match data.input[..] {
            [1] => format!("tokens, {} different ones", HumanCount(data.classes.into())),
            _ => format!("examples of shape {:?}, {} classes", data.input, data.classes),
        };
        self.line(&format!("  {:<10} {parts} {examples}", "data"));
        self.line(&format!("  {:<10} {space_size}", "size"));
        let trainers = if *workers == 1 { "trainer" } else { "trainers" };
        self.line(&format!(
            "  {:<10} {workers} {trainers} on {} ({})",
            "devices", trainer.device.name, trainer.numerics
        ));
    }
}

/// `key=value` of every setting, tables in tables with dotted keys.
fn flatten(prefix: &str, table: &Map<String, Value>, text: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            Value::Object(inner) => flatten(&format!("{prefix}{key}."), inner, text),
            Value::String(value) if !value.is_empty() && !value.contains(' ') => {
                text.push(format!("{prefix}{key}={value}"));
            }
            value => text.push(format!("{prefix}{key}={value}")),
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for Progress {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Started(summary) => self.start(summary),
            Event::Asked { .. } | Event::Progress { .. } => {
                if let Event::Progress { epoch: done, shared: Some(all), .. } = event {
                    self.tell_shared(Shared { done, all });
                }
                self.bar.tick();
                self.tell_patience();
            }
            Event::Retried(failure) => self.line(&format!("  a trainer was lost and replaced: {}", failure.message)),
            Event::Told { sequence, objective, failed, incumbent, footprint } => {
                self.failed += u64::from(failed);
                match objective {
                    Some(value) if incumbent => {
                        self.best = Some(value);
                        let size =
                            footprint.map(|footprint| format!(", {} parameters", HumanCount(footprint.parameters)));
                        self.line(&format!(
                            "  architecture {:<5} {} {}, the best so far{}",
                            sequence + 1,
                            self.objective,
                            estimated(value),
                            size.unwrap_or_default()
                        ));
                    }
                    _ => {}
                }
                self.bar.set_message(self.message());
                self.bar.inc(1);
                self.tell_search(true);
            }
            Event::Retraining { trainings } => {
                self.bar.finish_and_clear();
                let noun = count(usize::try_from(trainings).unwrap_or(usize::MAX), "training");
                self.line(&format!("  search over; retraining the finalists in full ({noun})"));
                let bar =
                    ProgressBar::new(trainings).with_style(style("{bar:30} {pos}/{len} trainings  {elapsed} gone"));
                self.final_bar = Some(bars().add(bar));
            }
            Event::Retrained => {
                if let Some(bar) = &self.final_bar {
                    bar.inc(1);
                }
                self.tell_finale();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Shared, ends_part};

    #[test]
    fn epochs_of_shared_weights_are_told_by_tenths() {
        let shared = |done, all| Shared { done, all };
        assert_eq!(shared(12.34, 60).to_string(), "shared weights: epoch 12.3 of 60");
        assert_eq!(shared(10.0, 1000).to_string(), "shared weights: epoch 10 of 1,000");
        assert_eq!([0.0, 5.9, 6.0, 60.0].map(|done| shared(done, 60).parts()), [0, 0, 1, 10]);
    }

    #[test]
    fn a_budget_has_ten_parts() {
        for (all, ends) in [(20, vec![2, 4, 6, 8, 10, 12, 14, 16, 18, 20]), (3, vec![1, 2, 3]), (1, vec![1])] {
            assert_eq!((0..=all).filter(|done| ends_part(*done, all)).collect::<Vec<_>>(), ends, "{all}");
        }
        let all = u64::MAX;
        assert!(ends_part(all, all) && !ends_part(all - 1, all));
        assert_eq!((0..=60_001).filter(|done| ends_part(*done, 60_001)).count(), 10);
    }
}
