//! DARTS's genotypes.

use std::collections::BTreeMap;
use std::fmt;

use super::python::{Literal, listed, parse};
use super::{GenotypeError, label};
use crate::{Architecture, Space, SpaceError};

/// Names of cells in genotypes, as parts of decisions' names, and of what they stack.
const CELLS: [(&str, &str, &str); 4] = [
    ("normal", "normal", "normal_concat"),
    ("reduce", "reduction", "reduce_concat"),
    ("cell", "cell", "cell_concat"),
    ("recurrent", "cell", "concat"),
];
/// The cell that reads the vertex before alone: all others read the two cells before.
const RECURRENT: &str = "recurrent";

/// Cells whose vertices pick inputs and operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellGenotype {
    cells: Vec<Cell>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    /// As genotypes name it, e.g. `reduce`.
    name: String,
    /// Operation and input of each pick, those of a vertex side by side.
    picks: Vec<(String, usize)>,
    concat: Concat,
}

/// The vertices that a cell stacks, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concat {
    /// `range(first, end)`.
    Range(usize, usize),
    /// `[2, 3, 4, 5]`.
    List(Vec<usize>),
}

impl Concat {
    fn vertices(&self) -> Vec<usize> {
        match self {
            Self::Range(first, end) => (*first..*end).collect(),
            Self::List(list) => list.clone(),
        }
    }
}

impl CellGenotype {
    pub(super) fn parse(text: &str) -> Result<Self, GenotypeError> {
        let wrong = |problem: String| Err(GenotypeError::new(0, problem));
        let Literal::Call { arguments, .. } = parse(text)? else { return wrong("it is no genotype".into()) };
        let given = |key: &str| arguments.iter().find(|(name, _)| name.as_deref() == Some(key)).map(|(_, value)| value);
        let mut cells = Vec::new();
        for (name, _, stacks) in CELLS {
            let (Some(picks), Some(concat)) = (given(name), given(stacks)) else { continue };
            let Some(picks) = picks_of(picks) else {
                return wrong(format!("`{name}` has to be a list of pairs such as ('sep_conv_3x3', 0)"));
            };
            let Some(concat) = concat_of(concat) else {
                return wrong(format!("`{stacks}` has to be range(2, 6) or a list of vertices"));
            };
            cells.push(Cell { name: name.to_owned(), picks, concat });
        }
        let known = |key: &str| CELLS.iter().any(|(name, _, stacks)| key == *name || key == *stacks);
        if let Some((Some(key), _)) = arguments.iter().find(|(key, _)| !key.as_deref().is_some_and(known)) {
            return wrong(format!("it has no part `{key}`; cells are `normal`, `reduce`, `cell` and `recurrent`"));
        }
        if cells.is_empty() {
            return wrong("it has no cell with what it stacks, e.g. `normal` and `normal_concat`".into());
        }
        Ok(Self { cells })
    }

    pub(super) fn labels(&self, space: &Space) -> Result<BTreeMap<String, String>, SpaceError> {
        let mut labels = BTreeMap::new();
        for cell in &self.cells {
            let Some(shape) = Shape::of(space, &cell.name) else {
                let problem = format!("this space has no cell `{}` whose vertices pick their inputs", cell.name);
                return Err(SpaceError::Unsupported(problem));
            };
            if cell.picks.len() != shape.vertices * shape.picks {
                let problem = format!(
                    "cell `{}` has {} vertices that pick {} inputs each; the genotype has {} pairs instead of {}",
                    cell.name,
                    shape.vertices,
                    shape.picks,
                    cell.picks.len(),
                    shape.vertices * shape.picks
                );
                return Err(SpaceError::Unsupported(problem));
            }
            for (vertex, picks) in (shape.inputs..).zip(cell.picks.chunks(shape.picks)) {
                let at = format!("{}/node-{vertex}", shape.prefix);
                let mut picks = picks.to_vec();
                if shape.repeats {
                    for (place, (_, from)) in (1..).zip(&picks) {
                        if vertex > 1 {
                            labels.insert(format!("{at}/input-{place}"), from.to_string());
                        }
                    }
                } else {
                    picks.sort_by_key(|(_, from)| *from);
                    let inputs: Vec<String> = picks.iter().map(|(_, from)| from.to_string()).collect();
                    if vertex > shape.picks {
                        labels.insert(format!("{at}/inputs"), inputs.join("+"));
                    } else if picks.iter().map(|(_, from)| *from).ne(0..shape.picks) {
                        let problem = format!("it can read nothing but {} different earlier vertices", shape.picks);
                        return Err(SpaceError::Value { decision: at, problem });
                    }
                }
                for (place, (operation, _)) in (1..).zip(&picks) {
                    let decision = format!("{at}/op-{place}");
                    labels.insert(decision.clone(), label(space, &decision, operation)?);
                }
            }
        }
        self.check_concat(space, &labels)?;
        Ok(labels)
    }

    /// What is stacked follows from the space.
    fn check_concat(&self, space: &Space, labels: &BTreeMap<String, String>) -> Result<(), SpaceError> {
        let point = space.point_of(labels)?;
        for cell in &self.cells {
            let Some(shape) = Shape::of(space, &cell.name) else { continue };
            let expected = shape.outputs(space, &point)?;
            let mut given = cell.concat.vertices();
            given.sort_unstable();
            if given != expected {
                let problem = format!(
                    "cell `{}` stacks {given:?}, where this space stacks {expected:?} (an option of the space may change it)",
                    cell.name
                );
                return Err(SpaceError::Unsupported(problem));
            }
        }
        Ok(())
    }

    pub(super) fn of(
        space: &Space,
        point: &Architecture,
        labels: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, SpaceError> {
        let mut cells = Vec::new();
        for (name, ..) in CELLS {
            let Some(shape) = Shape::of(space, name) else { continue };
            let mut picks = Vec::new();
            for vertex in shape.inputs..shape.inputs + shape.vertices {
                let at = format!("{}/node-{vertex}", shape.prefix);
                let inputs: Vec<usize> = if shape.repeats {
                    let input = |place: usize| labels.get(&format!("{at}/input-{place}"))?.parse().ok();
                    (1..=shape.picks).map(|place| input(place).unwrap_or(0)).collect()
                } else {
                    match labels.get(&format!("{at}/inputs")) {
                        Some(inputs) => inputs.split('+').filter_map(|input| input.parse().ok()).collect(),
                        None => (0..shape.picks).collect(),
                    }
                };
                for (place, input) in (1..).zip(inputs) {
                    let Some(operation) = labels.get(&format!("{at}/op-{place}")) else { return Ok(None) };
                    picks.push((operation.clone(), input));
                }
            }
            let stacked = shape.outputs(space, point)?;
            let range = stacked.first().map(|first| (*first, first + stacked.len()));
            let concat = match range {
                Some((first, end)) if stacked.iter().copied().eq(first..end) => Concat::Range(first, end),
                _ => Concat::List(stacked),
            };
            cells.push(Cell { name: name.to_owned(), picks, concat });
        }
        Ok((!cells.is_empty()).then_some(Self { cells }))
    }
}

/// A cell of a space, as its decisions' names tell it.
struct Shape {
    prefix: &'static str,
    inputs: usize,
    vertices: usize,
    picks: usize,
    /// Whether each pick is a decision of its own.
    repeats: bool,
}

impl Shape {
    fn of(space: &Space, name: &str) -> Option<Self> {
        let (_, prefix, _) = CELLS.iter().find(|(its, ..)| *its == name)?;
        let mut nodes = BTreeMap::<usize, usize>::new();
        let mut repeats = false;
        for decision in space.decisions() {
            let Some(rest) = decision.name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("/node-")) else {
                continue;
            };
            let (vertex, what) = rest.split_once('/')?;
            if what.strip_prefix("op-").is_some_and(|pick| pick.parse::<usize>().is_ok()) {
                *nodes.entry(vertex.parse().ok()?).or_default() += 1;
            }
            repeats |= what.starts_with("input-");
        }
        let (inputs, picks) = nodes.first_key_value()?;
        if (*inputs == 1) != (name == RECURRENT) {
            return None;
        }
        Some(Self { prefix, inputs: *inputs, vertices: nodes.len(), picks: *picks, repeats })
    }

    /// The vertices that are stacked.
    fn outputs(&self, space: &Space, point: &Architecture) -> Result<Vec<usize>, SpaceError> {
        let Architecture::Point(values) = point else { return Ok(Vec::new()) };
        let cells = space.definition().cells(values)?;
        Ok(cells.into_iter().find(|cell| cell.name == self.prefix).map(|cell| cell.outputs).unwrap_or_default())
    }
}

fn picks_of(literal: &Literal) -> Option<Vec<(String, usize)>> {
    let Literal::List(list) = literal else { return None };
    list.iter()
        .map(|pair| match pair {
            Literal::List(pair) => match &pair[..] {
                [Literal::Text(operation), input] => Some((operation.clone(), input.index()?)),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

fn concat_of(literal: &Literal) -> Option<Concat> {
    match literal {
        Literal::Call { name, arguments } if name == "range" => match &arguments[..] {
            [(None, first), (None, end)] => Some(Concat::Range(first.index()?, end.index()?.min(1 << 16))),
            _ => None,
        },
        list => list.indices().map(Concat::List),
    }
}

impl fmt::Display for CellGenotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Genotype(")?;
        for (place, Cell { name, picks, concat }) in self.cells.iter().enumerate() {
            write!(f, "{}{name}=[", if place == 0 { "" } else { ", " })?;
            listed(f, picks.iter().map(|(operation, input)| format!("('{operation}', {input})")))?;
            let stacks = CELLS.iter().find(|(its, ..)| its == name).map_or("concat", |(.., stacks)| stacks);
            write!(f, "], {stacks}=")?;
            match concat {
                Concat::Range(first, end) => write!(f, "range({first}, {end})")?,
                Concat::List(list) => write!(f, "{list:?}")?,
            }
        }
        f.write_str(")")
    }
}
