"""Estimates from several trainings of one architecture."""

from dataclasses import dataclass, field, replace

from .model import CurvePoint, Estimate, Failed, Fresh, Training
from .plugin import Internal

_U64 = (1 << 64) - 1


def derive(seed, text, index):
    """A seed of its own for a text and a number: SplitMix64's finalizer (Steele et al. 2014) over their bytes."""

    def mixed(one, other):
        bits = (one + (other + 1) * 0x9E3779B97F4A7C15) & _U64
        bits = ((bits ^ bits >> 30) * 0xBF58476D1CE4E5B9) & _U64
        bits = ((bits ^ bits >> 27) * 0x94D049BB133111EB) & _U64
        return bits ^ bits >> 31

    for byte in text.encode():
        seed = mixed(seed, byte)
    return mixed(seed, index)


@dataclass(slots=True)
class _Job:
    training: Training
    fidelity: float
    seeds: list
    results: list = field(default_factory=list)
    cost: float = 0.0
    curve: list = field(default_factory=list)

    def next(self):
        return replace(self.training, start=Fresh(self.seeds[len(self.results)]))


class Repeats:
    """Trains architectures once or over several seeds, and averages.

    The seed of a training follows from the estimator's seed and the network alone, so that the same network is trained
    the same way whenever it is asked for.
    """

    def __init__(self, space, seed, repeats, objective, report="last"):
        """Averages over `repeats` (at least 1) trainings; `report` says which epoch counts: the "last" or the "best"."""
        self._space = space
        self._seed = seed
        self._repeats = repeats
        self._objective = objective
        self._report = report
        self._jobs = {}

    def begin(self, job, training, fidelity):
        """Starts a job: the first training, from fresh weights. `fidelity` is the share of a full one that it spends."""
        fingerprint = self._space.fingerprint(training.subject)
        seeds = [derive(self._seed, fingerprint, index) for index in range(self._repeats)]
        self._jobs[job] = _Job(training, fidelity, seeds)
        return self._jobs[job].next()

    def advance(self, job, outcome):
        """Goes on with a job: the next training, or the estimate."""
        if job not in self._jobs:
            raise Internal(f"job {job} is not open")
        state = self._jobs.pop(job)
        if outcome.failure is not None:
            return Failed(outcome.failure)
        if not outcome.curve:
            return Failed("the training has no validation metrics")
        counted = outcome.curve[-1]
        if self._report == "best":
            counted = outcome.curve[0]
            for epoch in outcome.curve[1:]:
                if self._objective.is_better(epoch.objectives[0], counted.objectives[0]):
                    counted = epoch
        if not state.results:
            epochs = state.training.until_epoch
            state.curve = [
                CurvePoint(min(state.fidelity * epoch.epoch / epochs, 1.0), epoch.objectives[0])
                for epoch in outcome.curve
            ]
        state.results.append(counted.objectives)
        state.cost += outcome.cost
        if len(state.results) < len(state.seeds):
            self._jobs[job] = state
            return state.next()
        return _estimate(state)


def _estimate(state):
    count = len(state.results)
    means = [sum(values) / count for values in zip(*state.results)]
    uncertainty = None
    if count > 1:
        uncertainty = [
            (sum((value - mean) ** 2 for value in values) / (count - 1)) ** 0.5
            for values, mean in zip(zip(*state.results), means)
        ]
    return Estimate(means, state.cost, state.fidelity, uncertainty, curve=state.curve)
