"""A performance estimation strategy: trainings are cut short (Zoph et al. 2018), and judged by the mean of their last
epochs, which tells architectures apart better than the last epoch alone.

An estimator trains nothing itself. It returns what it wants done (`Training`, ...), the host does it, and `advance` sees
the outcome. Make it your own: change what is trained for how long, with which share of the data, and what it is judged
by.
"""

import math

import archwright
from archwright import Estimate, Estimator, Failed, Fresh, Internal, Relaxation, Training, Unsupported, export, option


class Options(archwright.Options):
    """What users may set, as `archwright plugin inspect` shows it; the host checks what they give."""

    epochs_share = option.real(0.25, above=0.0, maximum=1.0, doc="Share of the epochs of a full training.")
    last = option.integer(3, minimum=1, maximum=1_000, doc="Epochs at the end whose mean counts.")


@export
class ShortTraining(Estimator):
    """Short trainings, judged by the mean of their last epochs"""

    references = ["arXiv:1707.07012"]
    gives = ["fidelity"]
    Options = Options

    def __init__(self, setup, options, space):
        self.setup = setup
        self.options = options
        # The epochs that each open job trains for.
        self.jobs = {}

    def begin(self, job, query):
        """A query came: have its architecture trained. Strategies with fidelities ask for less than a full training."""
        if isinstance(query.subject, Relaxation):
            raise Unsupported("a relaxation has no training of its own")
        epochs = max(1, round(self.setup.full_epochs * self.options.epochs_share * query.fidelity))
        self.jobs[job] = epochs
        return Training(query.subject, epochs, Fresh(self.setup.seed))

    def advance(self, job, outcome):
        """The training is over: the mean of its last epochs is the estimate."""
        if job not in self.jobs:
            raise Internal(f"job {job} is not open")
        epochs = self.jobs.pop(job)
        if outcome.failure is not None:
            return Failed(outcome.failure)
        if not outcome.curve:
            return Failed("the training has no validation metrics")
        last = [epoch.objectives for epoch in outcome.curve[-self.options.last :]]
        means = [sum(values) / len(values) for values in zip(*last)]
        # What diverges has no value, and an estimate has to be finite.
        if not all(map(math.isfinite, means)):
            return Failed("the training diverged: its metrics are not finite")
        return Estimate(means, outcome.cost, min(epochs / self.setup.full_epochs, 1.0))
