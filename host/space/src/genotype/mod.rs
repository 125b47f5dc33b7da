//! Architectures in the notations of the field: DARTS's genotypes, NAS-Bench-201's strings, NAS-Bench-101's matrices and
//! labels.
//!
//! A [`Genotype`] is what a text says, word for word: it prints as it was written but for white space. Which point of a space
//! it is, [`Genotype::locate`] tells; [`Genotype::of`] is the way back.

mod cells;
mod edges;
mod matrix;
mod python;

use std::collections::BTreeMap;
use std::fmt;

use crate::{Architecture, Domain, Space, SpaceError};

pub use cells::{CellGenotype, Concat};
pub use edges::EdgeGenotype;
pub use matrix::MatrixGenotype;

/// An architecture as a text of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Genotype {
    /// `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), ...)` (Liu, Simonyan & Yang 2019): for spaces
    /// of `nodes` modules.
    Cells(CellGenotype),
    /// `|nor_conv_3x3~0|+|none~0|skip_connect~1|` (Dong & Yang 2020): for spaces with one `edges` module.
    Edges(EdgeGenotype),
    /// `ModelSpec(matrix=[[0, 1], [0, 0]], ops=['input', 'output'])`, or the same as JSON (Ying et al. 2019): for spaces with
    /// one `matrix` module.
    Matrix(MatrixGenotype),
}

impl Genotype {
    /// Reads a text in any of the notations.
    ///
    /// # Errors
    /// Says what is wrong with the text, and where.
    pub fn parse(text: &str) -> Result<Self, GenotypeError> {
        let text = text.trim();
        match text.chars().next() {
            Some('|') => EdgeGenotype::parse(text).map(Self::Edges),
            Some('{') => MatrixGenotype::parse(text).map(Self::Matrix),
            _ if text.starts_with("ModelSpec") => MatrixGenotype::parse(text).map(Self::Matrix),
            _ if text.starts_with("Genotype") => CellGenotype::parse(text).map(Self::Cells),
            _ => Err(GenotypeError::new(
                0,
                "a genotype starts with `Genotype(` (DARTS), `|` (NAS-Bench-201), `ModelSpec(` or `{` (NAS-Bench-101)",
            )),
        }
    }

    /// Whether a text looks like a genotype rather than a name.
    pub fn is_like(text: &str) -> bool {
        text.contains(['(', '|', '{'])
    }

    /// The point of `space` that it stands for.
    ///
    /// # Errors
    /// Where the space has no decisions of this kind, or not these operations or inputs; names what does not fit.
    pub fn locate(&self, space: &Space) -> Result<Architecture, SpaceError> {
        let labels = match self {
            Self::Cells(genotype) => genotype.labels(space)?,
            Self::Edges(genotype) => genotype.labels(space)?,
            Self::Matrix(genotype) => genotype.labels(space)?,
        };
        space.point_of(&labels)
    }

    /// A point of `space` as a text of the field.
    ///
    /// # Errors
    /// Where there is no notation for the space's points, or `of` is none of them.
    pub fn of(space: &Space, of: &Architecture) -> Result<Self, SpaceError> {
        space.check(of)?;
        let labels: BTreeMap<String, String> = space.label(of).into_iter().collect();
        if let Some(genotype) = CellGenotype::of(space, of, &labels)? {
            return Ok(Self::Cells(genotype));
        }
        if let Some(genotype) = MatrixGenotype::of(space, &labels) {
            return Ok(Self::Matrix(genotype));
        }
        if let Some(genotype) = EdgeGenotype::of(space, &labels) {
            return Ok(Self::Edges(genotype));
        }
        Err(SpaceError::Unsupported("there is no genotype notation for points of this space".into()))
    }
}

impl fmt::Display for Genotype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cells(genotype) => genotype.fmt(f),
            Self::Edges(genotype) => genotype.fmt(f),
            Self::Matrix(genotype) => genotype.fmt(f),
        }
    }
}

/// Why a text is no genotype.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("genotype, character {}: {problem}", place + 1)]
pub struct GenotypeError {
    /// Where, in characters from 0.
    place: usize,
    problem: String,
}

impl GenotypeError {
    fn new(place: usize, problem: impl Into<String>) -> Self {
        Self { place, problem: problem.into() }
    }
}

/// What different authors call one operation.
const ALIASES: [[&str; 2]; 3] = [["skip_connect", "identity"], ["conv_7x1_1x7", "conv_1x7_7x1"], ["none", "zero"]];

/// The graph of a space whose first decision is that of an edge.
struct Graph {
    /// What the names of its decisions begin with.
    prefix: String,
    vertices: usize,
    /// Whether an edge is there or not, rather than carrying one of several operations.
    bare: bool,
}

impl Graph {
    fn of(space: &Space) -> Option<Self> {
        let first = space.decisions().first()?;
        let prefix = first.name.strip_suffix("edge-0-1")?.to_owned();
        let bare = matches!(&first.domain, Domain::Categorical(labels) if *labels == ["no", "yes"]);
        let last = space.decisions().iter().filter_map(|decision| later_vertex(&prefix, &decision.name)).max()?;
        Some(Self { prefix, vertices: last + 1, bare })
    }

    /// Name of an edge's decision.
    fn edge(&self, from: usize, to: usize) -> String {
        format!("{}edge-{from}-{to}", self.prefix)
    }
}

/// The later vertex of the edge whose decision has this name; nothing for other decisions.
fn later_vertex(prefix: &str, name: &str) -> Option<usize> {
    let (_, to) = name.strip_prefix(prefix)?.strip_prefix("edge-")?.split_once('-')?;
    to.parse().ok()
}

/// The label of a decision that stands for operation `given`.
fn label(space: &Space, decision: &str, given: &str) -> Result<String, SpaceError> {
    let Some(found) = space.decisions().iter().find(|one| one.name == decision) else {
        let problem = "the genotype has more vertices or edges than this space".to_owned();
        return Err(SpaceError::Value { decision: decision.to_owned(), problem });
    };
    let Domain::Categorical(labels) = &found.domain else {
        let problem = "it is no choice of operations".to_owned();
        return Err(SpaceError::Value { decision: decision.to_owned(), problem });
    };
    let alias = |name: &str| {
        let pair = ALIASES.iter().find(|pair| pair.contains(&name))?;
        pair.iter().copied().find(|other| *other != name)
    };
    let known = |name: &str| labels.iter().find(|label| *label == name).cloned();
    known(given).or_else(|| known(alias(given)?)).ok_or_else(|| SpaceError::Value {
        decision: decision.to_owned(),
        problem: format!("there is no operation `{given}` here; there are {}", labels.join(", ")),
    })
}
