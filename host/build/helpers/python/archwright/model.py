"""What plugins and the host exchange. The contract, `wit/`, says what each value means.

An architecture is a *point*, a tuple with one value for each decision of the space: the index of a label or number for
a `Categorical` or `Ordinal` decision, the number itself for an `Integer` or `Real` one, and `None` where the conditions
of the decision do not hold. Spaces without decisions have `Network`s instead.
"""

from dataclasses import dataclass, field

MINIMIZE = "minimize"
MAXIMIZE = "maximize"

# Purposes of a query.
ESTIMATE = "estimate"
PROBE = "probe"
TRAIN = "train"


@dataclass(frozen=True, slots=True)
class Categorical:
    """Unordered labels, e.g. operations."""

    labels: tuple

    def __post_init__(self):
        object.__setattr__(self, "labels", tuple(self.labels))


@dataclass(frozen=True, slots=True)
class Ordinal:
    """Ordered numbers, strictly increasing, e.g. channel counts."""

    numbers: tuple

    def __post_init__(self):
        object.__setattr__(self, "numbers", tuple(self.numbers))


@dataclass(frozen=True, slots=True)
class Integer:
    """Integers, both ends included. On a log scale ratios say how far two values are apart; it needs `low > 0`."""

    low: int
    high: int
    log_scale: bool = False


@dataclass(frozen=True, slots=True)
class Real:
    """Reals, both ends included. On a log scale ratios say how far two values are apart; it needs `low > 0`."""

    low: float
    high: float
    log_scale: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where `decision`, the number of an earlier one that is itself active, has one of the values `any_of`.

    Values are indices of a categorical or ordinal decision, offsets from `low` of an integer one.
    """

    decision: int
    any_of: tuple

    def __post_init__(self):
        object.__setattr__(self, "any_of", tuple(self.any_of))


@dataclass(frozen=True, slots=True)
class Decision:
    """One point of variation of a space. It exists only where every condition holds; without any, always."""

    name: str
    domain: Categorical | Ordinal | Integer | Real
    active_when: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, "active_when", tuple(self.active_when))


def is_active(decisions, index, point):
    """Whether the conditions of the decision at `index` hold, given the values of all earlier ones.

    `point` may end before the decision: a strategy that makes a point value by value asks this before each.
    """
    if not 0 <= index < len(decisions):
        return False
    return all(_holds(decisions, condition, point) for condition in decisions[index].active_when)


def _holds(decisions, condition, point):
    if condition.decision >= min(len(decisions), len(point)):
        return False
    domain, value = decisions[condition.decision].domain, point[condition.decision]
    if value is None or isinstance(domain, Real):
        return False
    return value - (domain.low if isinstance(domain, Integer) else 0) in condition.any_of


@dataclass(frozen=True, slots=True)
class Node:
    """An operation of a network: `op` is one of the host's, `inputs` are the numbers of earlier nodes."""

    name: str
    op: str
    attributes: dict = field(default_factory=dict)
    inputs: tuple = ()


@dataclass(frozen=True, slots=True)
class Network:
    """Operations in topological order. The last node is the output."""

    nodes: list


@dataclass(frozen=True, slots=True)
class Objective:
    """What is optimized, e.g. `accuracy`, and which way it is better."""

    name: str
    goal: str = MAXIMIZE

    def is_better(self, value, than):
        """Whether `value` is strictly better than `than`."""
        return value < than if self.goal == MINIMIZE else value > than


@dataclass(slots=True)
class Relaxation:
    """A point between architectures: a row of probabilities for each categorical decision, one after another."""

    probabilities: list
    wanted: list | None = None


@dataclass(slots=True)
class Query:
    """What a strategy asks to have estimated.

    `id` is the strategy's choice, unique in its search. `subject` is an architecture or a `Relaxation`. `fidelity` is
    the share of a full training to spend, above 0 and at most 1. `parent` is the id of the earlier query that this one
    descends from, if any.
    """

    id: int
    subject: object
    fidelity: float = 1.0
    parent: int | None = None
    purpose: str = ESTIMATE


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The first objective once `fidelity` of a full training was spent."""

    fidelity: float
    value: float


@dataclass(slots=True)
class Estimate:
    """How good an architecture is thought to be.

    `objectives` has one finite value for each objective of the setup, `uncertainty` their standard deviations where they
    are known. `cost` is in seconds, `fidelity` the share of a full training that was spent.
    """

    objectives: list
    cost: float
    fidelity: float = 1.0
    uncertainty: list | None = None
    gradient: list | None = None
    curve: list | None = None


@dataclass(slots=True)
class Observation:
    """What came of the query `query`: an estimate, or the reason why there is none."""

    query: int
    estimate: Estimate | None = None
    failure: str | None = None


@dataclass(slots=True)
class Setup:
    """What a search starts from."""

    decisions: list
    objectives: list
    seed: int
    max_queries: int | None = None
    offers: list = field(default_factory=list)


@dataclass(slots=True)
class EstimatorSetup:
    """What an estimator starts from. `full_epochs` are those of a full training."""

    decisions: list
    objectives: list
    seed: int
    full_epochs: int
    offers: list = field(default_factory=list)
    epoch_steps: int = 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a network is built for: an input's shape without the batch, and shares of the full width and depth."""

    input: tuple
    classes: int
    width_share: float = 1.0
    depth_share: float = 1.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """Size and work of a network, for one example."""

    parameters: int
    multiply_adds: int
    depth: int
    activation_bytes: int


# Weights to start a training from.


@dataclass(frozen=True, slots=True)
class Fresh:
    """New ones, from a seed."""

    seed: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Those that an earlier outcome names."""

    weights: str


@dataclass(frozen=True, slots=True)
class Inherit:
    """Those of another network, as far as they fit."""

    weights: str


# What an estimator can have done.


@dataclass(slots=True)
class Training:
    """Trains an architecture until it has seen `until_epoch` epochs. All shares are above 0 and at most 1."""

    subject: object
    until_epoch: int
    start: Fresh | Resume | Inherit
    data_share: float = 1.0
    resolution_share: float = 1.0
    width_share: float = 1.0
    depth_share: float = 1.0


@dataclass(slots=True)
class UniformPaths:
    """The mean of so many random architectures learns."""

    count: int


@dataclass(slots=True)
class GivenPaths:
    """These architectures or relaxations learn, in turn."""

    subjects: list


@dataclass(slots=True)
class MixedPaths:
    """The mixture of all labels learns, each left out with this probability."""

    rate: float


@dataclass(slots=True)
class SharedTraining:
    """Trains the weights that all architectures share for so many steps of the optimizer."""

    start: Fresh | Resume
    steps: int
    epochs: int
    paths: UniformPaths | GivenPaths | MixedPaths


@dataclass(slots=True)
class SharedEvaluation:
    """Evaluates an architecture with shared weights: on all validation examples, or one numbered batch of them."""

    weights: str
    subject: object
    calibration: int = 0
    batch: int | None = None


@dataclass(slots=True)
class SharedDerivative:
    """The loss of a relaxation on one validation batch, and its derivative by each probability."""

    weights: str
    relaxation: Relaxation
    batch: int
    unrolled: bool
    epochs: int


@dataclass(slots=True)
class Measurement:
    """Looks an architecture up in the task's table of measurements."""

    subject: object
    until_epoch: int
    trained_epochs: int = 0
    training: int | None = None
    curve: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no estimate: the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a training, counted from 1."""

    epoch: int
    train_loss: float
    objectives: list


@dataclass(slots=True)
class Outcome:
    """What became of an action. What does not apply to it is `None`, or an empty list."""

    failure: str | None = None
    curve: list = field(default_factory=list)
    weights: str | None = None
    objectives: list = field(default_factory=list)
    gradient: list = field(default_factory=list)
    cost: float = 0.0
