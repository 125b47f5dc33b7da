//! How a run looks while it goes on.

use std::io::{self, Write};
use std::sync::OnceLock;

use archwright_search::{Event, Observer, Search, Summary};
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value};

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

/// Shows a run on standard error.
pub(crate) struct Progress {
    bar: ProgressBar,
    objective: String,
    best: Option<f64>,
    failed: u64,
    final_bar: Option<ProgressBar>,
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
        let best = self.best.map(|best| format!("best {} {best:.4}", self.objective)).unwrap_or_default();
        if self.failed > 0 { format!("{best}, {} failed", self.failed) } else { best }
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
        self.line(&format!(
            "  {:<10} {} training, {} validation and {} test examples of shape {:?}, {} classes",
            "data",
            HumanCount(data.train),
            HumanCount(data.validation),
            HumanCount(data.test),
            data.input,
            data.classes
        ));
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
            Event::Asked { .. } | Event::Progress { .. } => self.bar.tick(),
            Event::Retried(failure) => self.line(&format!("  a trainer was lost and replaced: {}", failure.message)),
            Event::Told { sequence, objective, incumbent, footprint } => {
                match objective {
                    None => self.failed += 1,
                    Some(value) if incumbent => {
                        self.best = Some(value);
                        let size =
                            footprint.map(|footprint| format!(", {} parameters", HumanCount(footprint.parameters)));
                        self.line(&format!(
                            "  architecture {:<5} {} {value:.4}, the best so far{}",
                            sequence + 1,
                            self.objective,
                            size.unwrap_or_default()
                        ));
                    }
                    Some(_) => {}
                }
                self.bar.set_message(self.message());
                self.bar.inc(1);
            }
            Event::Retraining { trainings } => {
                self.bar.finish_and_clear();
                self.line(&format!("  search over; retraining the finalists in full ({trainings} trainings)"));
                let bar =
                    ProgressBar::new(trainings).with_style(style("{bar:30} {pos}/{len} trainings  {elapsed} gone"));
                self.final_bar = Some(bars().add(bar));
            }
            Event::Retrained => {
                if let Some(bar) = &self.final_bar {
                    bar.inc(1);
                }
            }
            _ => {}
        }
    }
}
