//! Takes rows together: which architectures there are, which trainings of them, what was measured in each.

use std::collections::{BTreeMap, HashMap};

use archwright_space::{Space, Value};

use crate::column::{Measure, Role, recognise};
use crate::rows::{Cell, Sink};
use crate::{TableError, point};

/// Problems with rows that are told one by one.
const TOLD_PROBLEMS: usize = 5;

/// Everything that a file holds.
pub(crate) struct Gathered<'a> {
    space: &'a Space,
    /// What some headers mean, as somebody said.
    given: &'a [(String, Role)],
    plan: Plan,
    rows: u64,
    /// Architectures in the order of their first rows, and the place of each by its text.
    pub(crate) architectures: Vec<Vec<Value>>,
    places: HashMap<String, Option<u32>>,
    by_point: HashMap<Vec<u8>, u32>,
    pub(crate) data_sets: Vec<String>,
    /// The values of each column, one for each row that counts.
    pub(crate) columns: Vec<Gathering>,
    pub(crate) keys: Vec<RowKey>,
    problems: Vec<(u64, String)>,
    more: u64,
}

/// What tells a row from others.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct RowKey {
    pub(crate) architecture: u32,
    pub(crate) data_set: u32,
    pub(crate) seed: f64,
    pub(crate) epoch: f64,
    /// From 1.
    pub(crate) row: u64,
}

/// A column of measurements.
pub(crate) struct Gathering {
    pub(crate) header: String,
    /// Nothing where the rows say it, or where there is one data set without a name.
    pub(crate) data_set: Option<String>,
    pub(crate) measure: Measure,
    /// What values are multiplied by, where somebody said it.
    pub(crate) scale: Option<f64>,
    /// NaN where there is none.
    pub(crate) values: Vec<f64>,
}

/// Where in a row things stand.
#[derive(Default)]
struct Plan {
    headers: Vec<String>,
    architecture: Option<usize>,
    decisions: Vec<(usize, String)>,
    data_set: Option<usize>,
    epoch: Option<usize>,
    seed: Option<usize>,
    /// Column of the file for each gathering.
    measured: Vec<usize>,
    /// Headers that say nothing here.
    unknown: Vec<String>,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(space: &'a Space, given: &'a [(String, Role)]) -> Self {
        Self {
            space,
            given,
            plan: Plan::default(),
            rows: 0,
            architectures: Vec::new(),
            places: HashMap::new(),
            by_point: HashMap::new(),
            data_sets: Vec::new(),
            columns: Vec::new(),
            keys: Vec::new(),
            problems: Vec::new(),
            more: 0,
        }
    }

    /// Rows of the file.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Headers that nobody said the meaning of.
    pub(crate) fn unknown(&self) -> &[String] {
        &self.plan.unknown
    }

    pub(crate) fn has_epochs(&self) -> bool {
        self.plan.epoch.is_some()
    }

    /// Whether each row says which data set it is about.
    pub(crate) fn data_sets_by_row(&self) -> bool {
        self.plan.data_set.is_some()
    }

    /// That all rows could be taken.
    pub(crate) fn check(&self) -> Result<(), TableError> {
        if !self.problems.is_empty() {
            return Err(TableError::Rows { problems: self.problems.clone(), more: self.more });
        }
        if self.keys.is_empty() {
            return Err(TableError::Columns("the file has no rows".into()));
        }
        let is_empty = |column: &&Gathering| column.values.iter().all(|value| value.is_nan());
        if let Some(empty) = self.columns.iter().filter(|column| column.measure.is_accuracy()).find(is_empty) {
            let header = &empty.header;
            let problem = format!(
                "`{header}` holds no number in any row, and would be taken for a {}: leave it out by {header}=ignore",
                empty.measure
            );
            return Err(TableError::Columns(problem));
        }
        Ok(())
    }

    fn refuse(&mut self, problem: String) {
        if self.problems.len() < TOLD_PROBLEMS {
            self.problems.push((self.rows, problem));
        } else {
            self.more += 1;
        }
    }

    fn data_set(&mut self, name: &str) -> u32 {
        let known = self.data_sets.iter().position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.data_sets.push(name.to_owned());
            self.data_sets.len() - 1
        });
        place as u32
    }

    /// Place of the architecture that a row is about; nothing where there is something wrong with it, which is noted.
    fn architecture(&mut self, cells: &[Cell]) -> Option<u32> {
        let text = match self.plan.architecture {
            Some(column) => match cells.get(column) {
                Some(Cell::Text(text)) => text.clone(),
                _ => {
                    self.refuse(format!("`{}` holds no architecture", self.plan.headers[column]));
                    return None;
                }
            },
            None => self.labels(cells).into_iter().map(|(name, label)| format!("{name}={label};")).collect(),
        };
        if let Some(place) = self.places.get(&text) {
            if place.is_none() {
                self.more += 1;
            }
            return *place;
        }
        let point = match self.plan.architecture {
            Some(_) => point::of_text(self.space, &text),
            None => point::of_labels(self.space, self.labels(cells)),
        };
        let place = match point {
            Ok(point) => {
                let next = self.architectures.len() as u32;
                let place = *self.by_point.entry(point::key(&point)).or_insert(next);
                if place == next {
                    self.architectures.push(point);
                }
                Some(place)
            }
            Err(problem) => {
                self.refuse(format!("architecture {text}: {problem}"));
                None
            }
        };
        self.places.insert(text, place);
        place
    }

    fn labels(&self, cells: &[Cell]) -> BTreeMap<String, String> {
        let label = |(column, name): &(usize, String)| match cells.get(*column) {
            Some(Cell::Text(text)) => Some((name.clone(), text.clone())),
            Some(Cell::Number(number)) => Some((name.clone(), number.to_string())),
            _ => None,
        };
        self.plan.decisions.iter().filter_map(label).collect()
    }

    fn number(&mut self, cells: &[Cell], column: usize) -> Option<f64> {
        let number = match cells.get(column) {
            None | Some(Cell::Empty) => return Some(f64::NAN),
            Some(Cell::Number(number)) => Some(*number),
            Some(Cell::Text(text)) => match text.to_lowercase().as_str() {
                "nan" | "none" | "null" | "na" => return Some(f64::NAN),
                _ => text.parse().ok(),
            },
        };
        let finite = number.filter(|number: &f64| number.is_finite() || number.is_nan());
        if finite.is_none() {
            let what = match cells.get(column) {
                Some(Cell::Text(text)) => text.clone(),
                _ => "an infinite value".to_owned(),
            };
            self.refuse(format!("`{}` holds {what}, which is no number", self.plan.headers[column]));
        }
        finite
    }

    /// A count that is a whole number from `least`.
    fn count(&mut self, cells: &[Cell], column: Option<usize>, least: f64, absent: f64) -> Option<f64> {
        let Some(column) = column else { return Some(absent) };
        let number = self.number(cells, column)?;
        if number >= least && number.fract() == 0.0 && number <= f64::from(u32::MAX) {
            return Some(number);
        }
        let before = match self.plan.epoch == Some(column) && number == 0.0 {
            true => ": leave out the rows from before the training",
            false => "",
        };
        self.refuse(format!("`{}` holds {number}, not a whole number from {least}{before}", self.plan.headers[column]));
        None
    }
}

impl Sink for Gathered<'_> {
    fn knows(&self, header: &str) -> bool {
        let is_decision = |name: &str| self.space.decisions().iter().any(|decision| decision.name == name);
        self.given.iter().any(|(name, _)| name == header) || recognise(header, is_decision).is_some()
    }

    fn headers(&mut self, headers: &[String]) -> Result<(), TableError> {
        self.plan.headers = headers.to_vec();
        for (name, _) in self.given {
            if !headers.contains(name) {
                let problem = format!("there is no column `{name}`; there are {}", headers.join(", "));
                return Err(TableError::Columns(problem));
            }
        }
        let decisions = self.space.decisions();
        for (column, header) in headers.iter().enumerate() {
            let given = self.given.iter().find(|(name, _)| name == header).map(|(_, role)| role.clone());
            let is_decision = |name: &str| decisions.iter().any(|decision| decision.name == name);
            let role = given.or_else(|| recognise(header, is_decision));
            let place = match role {
                None => {
                    self.plan.unknown.push(header.clone());
                    continue;
                }
                Some(Role::Ignored) => continue,
                Some(Role::Decision(name)) => {
                    if !is_decision(&name) {
                        return Err(TableError::Columns(format!("the space has no decision `{name}`")));
                    }
                    self.plan.decisions.push((column, name));
                    continue;
                }
                Some(Role::Measured { data_set, measure, scale }) => {
                    let twin = self.columns.iter().find(|one| one.data_set == data_set && one.measure == measure);
                    if let Some(twin) = twin {
                        let problem = format!(
                            "the columns `{}` and `{header}` both hold {measure}; say which does not by `{header}=ignore`",
                            twin.header
                        );
                        return Err(TableError::Columns(problem));
                    }
                    let (header, values) = (header.clone(), Vec::new());
                    self.columns.push(Gathering { header, data_set, measure, scale, values });
                    self.plan.measured.push(column);
                    continue;
                }
                Some(Role::Architecture) => &mut self.plan.architecture,
                Some(Role::DataSet) => &mut self.plan.data_set,
                Some(Role::Epoch) => &mut self.plan.epoch,
                Some(Role::Seed) => &mut self.plan.seed,
            };
            if let Some(other) = place.replace(column) {
                let problem = format!(
                    "the columns `{}` and `{header}` hold the same; say which does not by `{header}=ignore`",
                    headers[other]
                );
                return Err(TableError::Columns(problem));
            }
        }
        self.check_plan()
    }

    fn row(&mut self, cells: &[Cell]) -> Result<(), TableError> {
        self.rows += 1;
        let Some(architecture) = self.architecture(cells) else { return Ok(()) };
        let plan = (self.plan.data_set, self.plan.seed, self.plan.epoch);
        let data_set = match plan.0.and_then(|column| cells.get(column)) {
            None => 0,
            Some(Cell::Text(name)) => {
                let name = name.clone();
                self.data_set(&name)
            }
            Some(_) => {
                self.refuse("the name of the data set is missing".into());
                return Ok(());
            }
        };
        let Some(seed) = self.count(cells, plan.1, 0.0, 0.0) else { return Ok(()) };
        let Some(epoch) = self.count(cells, plan.2, 1.0, 1.0) else { return Ok(()) };
        let mut values = Vec::with_capacity(self.columns.len());
        for index in 0..self.plan.measured.len() {
            let Some(value) = self.number(cells, self.plan.measured[index]) else { return Ok(()) };
            values.push(value);
        }
        for (gathering, value) in self.columns.iter_mut().zip(values) {
            gathering.values.push(value);
        }
        self.keys.push(RowKey { architecture, data_set, seed, epoch, row: self.rows });
        Ok(())
    }
}

impl Gathered<'_> {
    fn check_plan(&mut self) -> Result<(), TableError> {
        let headers = self.plan.headers.join(", ");
        if self.plan.architecture.is_none() && self.plan.decisions.is_empty() {
            let problem = format!(
                "none of the columns {headers} is known to hold architectures: say which does by COLUMN=architecture, or \
                 COLUMN=decision:NAME for each decision"
            );
            return Err(TableError::Columns(problem));
        }
        if !self.columns.iter().any(|column| column.measure.is_accuracy()) {
            let problem = format!(
                "none of the columns {headers} is known to hold an accuracy: say which does by COLUMN=test-accuracy or \
                 COLUMN=DATA-SET/validation-accuracy"
            );
            return Err(TableError::Columns(problem));
        }
        let named = self.columns.iter().find(|column| column.data_set.is_some());
        if let (Some(named), Some(column)) = (named, self.plan.data_set) {
            let problem = format!(
                "both the column `{}` and the header `{}` name data sets",
                self.plan.headers[column], named.header
            );
            return Err(TableError::Columns(problem));
        }
        if self.plan.data_set.is_none() {
            let names: Vec<String> = self.columns.iter().filter_map(|column| column.data_set.clone()).collect();
            for name in names {
                self.data_set(&name);
            }
        }
        Ok(())
    }
}
