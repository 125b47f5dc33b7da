"""What a plugin written in Python is made of: one class, and what it needs.

A search strategy is a class made of `Strategy`, an estimator one of `Estimator`, a search space one of `SearchSpace`;
`export` makes it the project's plugin. `archwright plugin build` makes a component of it. Its logic is tested with
`archwright.testing`, without a host.
"""

from . import option
from .model import (
    ESTIMATE,
    MAXIMIZE,
    MINIMIZE,
    PROBE,
    TRAIN,
    Categorical,
    Condition,
    Context,
    CurvePoint,
    Decision,
    Epoch,
    Estimate,
    EstimatorSetup,
    Failed,
    Footprint,
    Fresh,
    GivenPaths,
    Inherit,
    Integer,
    Measurement,
    MixedPaths,
    Network,
    Node,
    Objective,
    Observation,
    Ordinal,
    Outcome,
    Query,
    Real,
    Relaxation,
    Resume,
    Setup,
    SharedDerivative,
    SharedEvaluation,
    SharedTraining,
    Training,
    UniformPaths,
    is_active,
)
from .operators import Archive, Distinct, Member, Population
from .option import Options
from .plugin import (
    FINISHED,
    WAITING,
    Estimator,
    Internal,
    InvalidOptions,
    Refusal,
    SearchSpace,
    Strategy,
    Unsupported,
    export,
    log,
)
from .repeats import Repeats, derive
from .rng import Rng
