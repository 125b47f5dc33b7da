//! What a file says, before and after its decisions are numbered.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::constraint::WrittenConstraint;
use crate::{Domain, Scalar, Value};

/// Most vertices of an `edges` or `nodes` module, and so most earlier results that one can reach back to.
pub(super) const MAX_VERTICES: usize = 64;

/// A place in the file.
pub(super) type Span = Range<usize>;

/// A file as read: `N` is [`Written`], and items name modules.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) references: Vec<String>,
    pub(super) options: BTreeMap<String, Scalar>,
    /// Numbers by name: those of `[options]` and `[numbers]`.
    pub(super) numbers: BTreeMap<String, Rc<Written>>,
    pub(super) modules: BTreeMap<String, Rc<Module<Written, Use>>>,
    pub(super) network: (String, Span),
    pub(super) recipe: Vec<(String, RecipeSetting)>,
    pub(super) constraints: Vec<WrittenConstraint>,
}

/// A number as written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) span: Span,
    pub(super) number: WrittenNumber,
}

#[derive(Clone, Debug)]
pub(super) enum WrittenNumber {
    Literal(i64),
    /// The name of a number, or of something that the place knows.
    Name(String),
    Decide {
        domain: Domain,
        name: Option<String>,
    },
    Combine(Combine, Vec<Written>),
}

/// How numbers make a number, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    Times,
    Plus,
    Minus,
    /// Rounded down.
    Divide,
}

impl Combine {
    /// Two numbers combined; nothing where that has no value.
    pub(super) fn apply(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Self::Times => left.checked_mul(right),
            Self::Plus => left.checked_add(right),
            Self::Minus => left.checked_sub(right),
            Self::Divide => left.checked_div_euclid(right),
        }
    }
}

/// A training hyperparameter as written.
#[derive(Debug)]
pub(super) enum RecipeSetting {
    Fixed(Scalar),
    Decide { domain: Domain, labels: Vec<Scalar> },
}

/// A number whose decisions are numbered.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Literal(i64),
    /// What the place knows.
    Local(Local),
    /// A decision's value.
    Decided(usize),
    Combine(Combine, Arc<[Self]>),
}

/// Numbers that a place in the network knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Local {
    /// Channels of what comes in.
    In,
    /// Channels that the module around has to give.
    Out,
    /// The stride that the module around asks of its operations.
    Stride,
    /// Number of classes.
    Classes,
}

/// A hyperparameter whose decision is numbered; for a categorical one with its values.
#[derive(Clone, Debug)]
pub(super) enum Setting {
    Fixed(Scalar),
    Decided(usize, Vec<Scalar>),
}

/// The use of a module by name.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) module: String,
    pub(super) span: Span,
    /// Whether this use has decisions of its own.
    pub(super) independent: bool,
    /// Whether the name stands where an operation's could.
    pub(super) bare: bool,
}

/// A module with its decisions numbered.
pub(super) type Compiled = Arc<Module<Number, Arc<CompiledUse>>>;

/// The use of a compiled module.
#[derive(Debug)]
pub(super) struct CompiledUse {
    pub(super) name: String,
    pub(super) module: Compiled,
}

/// A part of a network. `N` are its numbers, `U` how it uses other modules.
#[derive(Debug)]
pub(super) enum Module<N, U> {
    /// One after the other.
    Chain { layers: Vec<Item<N, U>> },
    /// Side by side, and merged.
    Branches { branches: Vec<Item<N, U>>, merge: Merge },
    /// A graph whose edges carry operations.
    Edges(Edges<N, U>),
    /// A graph whose vertices choose inputs and operations.
    Nodes(Nodes<N, U>),
    /// A graph any of whose edges may be there, with operations on its vertices.
    Matrix(Matrix<N, U>),
    /// Layers that choose operations, and which earlier layers they read besides the one before.
    Skips(Skips<N, U>),
    /// A gate between something new and something carried on.
    Highway(Highway<N, U>),
}

/// Gives `gate * transform + (1 - gate) * carry`, value by value.
#[derive(Debug)]
pub(super) struct Highway<N, U> {
    /// What comes in goes through this before gate and transform.
    pub(super) fit: Option<Box<Item<N, U>>>,
    pub(super) gate: Box<Item<N, U>>,
    pub(super) transform: Box<Item<N, U>>,
    /// What is carried on; what comes in where left out.
    pub(super) carry: Option<Box<Item<N, U>>>,
}

/// What a graph reads.
#[derive(Debug)]
pub(super) struct Inputs<N, U> {
    /// So many of the outputs before it.
    pub(super) count: usize,
    /// Fits an input whose map has the size of the last one's.
    pub(super) fit: Option<Box<Item<N, U>>>,
    /// Fits an input whose map is larger.
    pub(super) fit_larger: Option<Box<Item<N, U>>>,
}

#[derive(Debug)]
pub(super) struct Edges<N, U> {
    pub(super) inputs: Inputs<N, U>,
    /// All vertices, the inputs first.
    pub(super) vertices: usize,
    /// Labels of the operations, and which of them carries nothing.
    pub(super) labels: Vec<String>,
    pub(super) nothing: Option<usize>,
    /// How the edges that end at a vertex are merged.
    pub(super) merge: Merge,
    /// Whether results of operations are dropped at random in training.
    pub(super) drop_path: bool,
    /// How all vertices but the inputs become what comes out; where left out that is the last one.
    pub(super) output: Option<Merge>,
    /// For each edge, by its later vertex and then by its earlier one. Before compiling there is one entry, which stands
    /// for each edge.
    pub(super) edges: Vec<Item<N, U>>,
}

#[derive(Debug)]
pub(super) struct Nodes<N, U> {
    pub(super) inputs: Inputs<N, U>,
    pub(super) labels: Vec<String>,
    /// How many vertices choose, and how many inputs each picks.
    pub(super) size: usize,
    pub(super) picks: usize,
    /// Whether a vertex may pick an input several times, each pick being a decision of its own.
    pub(super) repeats: bool,
    /// What is stacked in the end.
    pub(super) outputs: Outputs<N>,
    /// The vertices that choose. Before compiling there is one entry with one operation, which stands for each.
    pub(super) vertices: Vec<Vertex<N, U>>,
    /// How the picks of a vertex are merged.
    pub(super) merge: Merge,
    /// Whether results of operations are dropped at random in training.
    pub(super) drop_path: bool,
    /// How the vertices that choose become what comes out.
    pub(super) output: Merge,
}

/// A vertex that chooses.
#[derive(Debug)]
pub(super) struct Vertex<N, U> {
    pub(super) picks: Picks,
    /// What is done to each input that is picked.
    pub(super) operations: Vec<Item<N, U>>,
}

/// What a vertex reads.
#[derive(Debug)]
pub(super) enum Picks {
    /// Not numbered yet.
    Open,
    /// One of these sets; the decision between them, where there are several.
    Set { sets: Vec<Vec<usize>>, decision: Option<usize> },
    /// Any of the earlier `vertices`, for each pick; its decision, where there is more than one vertex.
    Each { decisions: Vec<Option<usize>>, vertices: usize },
}

impl Picks {
    /// The vertices that are picked; nothing where a decision is inactive.
    pub(super) fn chosen(&self, values: &[Value]) -> Option<Vec<usize>> {
        let index = |decision: &Option<usize>| decision.map_or(Some(0), |decision| index(values, decision));
        match self {
            Self::Open => None,
            Self::Set { sets, decision } => sets.get(index(decision)?).cloned(),
            Self::Each { decisions, .. } => decisions.iter().map(index).collect(),
        }
    }
}

/// The vertices of a graph that are stacked to make its output.
#[derive(Clone, Debug)]
pub(super) enum Outputs<N> {
    /// All that choose.
    All,
    /// Those that no vertex reads, of all that choose; and those whose bits are set in `besides`.
    Unused { besides: N },
}

/// A graph as in NAS-Bench-101: vertex 0 is the input, the last one the output, those between have operations.
#[derive(Debug)]
pub(super) struct Matrix<N, U> {
    pub(super) vertices: usize,
    /// Most edges on paths from input to output.
    pub(super) most_edges: usize,
    pub(super) labels: Vec<String>,
    /// The decision of each edge, by its later vertex and then by its earlier one; none before compiling.
    pub(super) edges: Vec<usize>,
    /// What the vertices between input and output do. Before compiling there is one entry, which stands for each.
    pub(super) operations: Vec<Item<N, U>>,
    /// Fits the input to a vertex's channels.
    pub(super) project: Box<Item<N, U>>,
}

/// A whole network of layers as in ENAS's macro space.
#[derive(Debug)]
pub(super) struct Skips<N, U> {
    pub(super) size: usize,
    pub(super) labels: Vec<String>,
    /// The decisions of each layer's skips, by the layer that is read; none before compiling.
    pub(super) skips: Vec<Vec<usize>>,
    /// What the layers do. Before compiling there is one entry, which stands for each.
    pub(super) layers: Vec<Item<N, U>>,
    /// Makes one of a layer's result and what it reads besides, stacked.
    pub(super) join: Box<Item<N, U>>,
    /// Layers, from 1, behind which every result so far is reduced, and how.
    pub(super) reduce_after: Vec<usize>,
    pub(super) reduce: Option<Box<Item<N, U>>>,
}

/// How several results become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merge {
    Add,
    Multiply,
    Mean,
    Concat,
}

/// Something that takes a result and gives one.
#[derive(Debug)]
pub(super) enum Item<N, U> {
    Primitive(Primitive<N>),
    Use(UseItem<N, U>),
    /// One after the other.
    Sequence(Vec<Self>),
    /// One of several; the decision's number, 0 before compiling.
    Choose {
        name: Option<String>,
        decision: usize,
        alternatives: Vec<(String, Self)>,
    },
    /// One thing where the stride is above 1, another where it is not.
    Strided {
        strided: Box<Self>,
        plain: Box<Self>,
    },
    /// A head that exists in training only; what comes in goes on unchanged.
    Auxiliary(Box<Self>),
    /// Its result is what `state` gives in the next step of a sequence.
    Recurrent {
        body: Box<Self>,
        features: N,
    },
    /// What the [`Item::Recurrent`] around gave in the step before; what comes in is not used.
    State,
    /// Places in a row, each with decisions of its own; only the first so many exist. Before compiling `places` has one
    /// entry, which stands for each place.
    Places {
        length: N,
        most: usize,
        places: Vec<Self>,
    },
}

impl<N, U> Item<N, U> {
    /// The alternative that an item which chooses takes.
    pub(super) fn chosen(&self, values: &[Value]) -> Option<usize> {
        match self {
            Self::Choose { decision, .. } => index(values, *decision),
            _ => None,
        }
    }
}

/// The label that a decision takes; nothing where it is inactive or has none.
pub(super) fn index(values: &[Value], decision: usize) -> Option<usize> {
    match values.get(decision) {
        Some(Value::Index(index)) => Some(*index as usize),
        _ => None,
    }
}

/// Whether a decision between `no` and `yes` is for it.
pub(super) fn is_yes(values: &[Value], decision: usize) -> bool {
    index(values, decision) == Some(1)
}

#[derive(Debug)]
pub(super) struct UseItem<N, U> {
    pub(super) target: U,
    pub(super) repeat: Option<N>,
    pub(super) channels: Option<N>,
    pub(super) stride: Option<N>,
}

/// A probability in [0, 1).
#[derive(Clone, Debug)]
pub(super) enum Rate<N> {
    Fixed(f64),
    /// So many hundredths.
    Percent(N),
}

/// An operation of the operator set, its numbers open.
#[derive(Clone, Debug)]
pub(super) enum Primitive<N> {
    Conv {
        channels: N,
        kernel: [N; 2],
        stride: N,
        padding: Option<[N; 2]>,
        dilation: N,
        groups: N,
        bias: bool,
    },
    BatchNorm {
        affine: bool,
    },
    Linear {
        features: N,
        bias: bool,
    },
    Pool {
        max: bool,
        kernel: [N; 2],
        stride: N,
        padding: Option<[N; 2]>,
        count_include_pad: bool,
    },
    Zero {
        stride: N,
    },
    Shift {
        rows: N,
        columns: N,
    },
    Truncate {
        channels: N,
    },
    Embedding {
        vocabulary: N,
        features: N,
    },
    TiedLinear {
        features: N,
        bias: bool,
    },
    Dropout {
        rate: Rate<N>,
        /// Whether all steps of a sequence drop the same values.
        locked: bool,
    },
    /// Operations without attributes.
    Plain(crate::Op),
}
