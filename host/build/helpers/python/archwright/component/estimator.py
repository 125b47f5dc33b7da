"""Estimators as components: `declared` says the name, version and description of the plugin's manifest."""

import random

from wit_world.exports import archwright_export as contract
from wit_world.imports import actions
from wit_world.imports import types as wit

from .. import model, plugin
from . import convert, guard
from .space import Space, asked

_PURPOSES = {wit.Purpose.ESTIMATE: model.ESTIMATE, wit.Purpose.PROBE: model.PROBE, wit.Purpose.TRAIN: model.TRAIN}


class Estimation:
    """An estimator at work."""

    @classmethod
    @guard.guarded
    def open(cls, setup):
        estimator = convert.plugin_of(plugin.Estimator)
        options = convert.options(estimator, setup.options)
        decisions = [convert.from_decision(one) for one in setup.decisions]
        objectives = [convert.from_objective(one) for one in setup.objectives]
        random.seed(setup.seed)
        estimation = cls()
        estimation._points = convert.Points(decisions)
        estimation._estimator = estimator(
            model.EstimatorSetup(
                decisions, objectives, setup.seed, setup.full_epochs, setup.offers, setup.epoch_steps
            ),
            options,
            Space(decisions),
        )
        return estimation

    @guard.guarded
    def begin(self, job, query):
        subject = convert.from_subject(query.subject)
        query = model.Query(query.id, subject, query.fidelity, query.parent, _PURPOSES[query.purpose])
        return self._to_step(self._estimator.begin(job, query))

    @guard.guarded
    def advance(self, job, outcome):
        curve = [model.Epoch(one.epoch, one.train_loss, one.objectives) for one in outcome.curve() or ()]
        known = model.Outcome(
            outcome.failure(),
            curve,
            outcome.weights(),
            outcome.objectives() or [],
            outcome.gradient() or [],
            outcome.cost(),
        )
        return self._to_step(self._estimator.advance(job, known))

    def _to_step(self, step):
        if isinstance(step, model.Estimate):
            return contract.Step_Done(_to_estimate(step))
        if isinstance(step, model.Failed):
            return contract.Step_Failed(step.reason)
        if type(step) not in _ACTIONS:
            raise TypeError(f"a step is an action, an Estimate or Failed, not {step!r}")
        return contract.Step_Act(_ACTIONS[type(step)](self._points, step))


def _to_estimate(estimate):
    curve = [wit.CurvePoint(one.fidelity, float(one.value)) for one in estimate.curve or ()] or None

    def numbers(values, name):
        return [convert.number(one, f"step.done.{name}[{place}]") for place, one in enumerate(values)]

    return wit.Estimate(
        numbers(estimate.objectives, "objectives"),
        numbers(estimate.uncertainty or (), "uncertainty") or None,
        numbers(estimate.gradient or (), "gradient") or None,
        convert.number(estimate.cost, "step.done.cost"),
        convert.number(estimate.fidelity, "step.done.fidelity"),
        curve,
    )


def _to_start(start):
    if isinstance(start, model.Fresh):
        return actions.Start_Fresh(convert.whole(start.seed, "u64", "a seed"))
    return (actions.Start_Resume if isinstance(start, model.Resume) else actions.Start_Inherit)(start.weights)


def _to_number(value, kind, what):
    return None if value is None else convert.whole(value, kind, what)


def _train(points, training):
    shares = training.data_share, training.resolution_share, training.width_share, training.depth_share
    return asked(
        actions.train,
        actions.Training(
            points.to_architecture(training.subject),
            _to_start(training.start),
            convert.whole(training.until_epoch, "u32", "`until_epoch`"),
            *[float(share) for share in shares],
        ),
    )


def _train_shared(points, training):
    paths = training.paths
    if isinstance(paths, model.UniformPaths):
        paths = actions.Paths_Uniform(convert.whole(paths.count, "u32", "the number of paths"))
    elif isinstance(paths, model.GivenPaths):
        paths = actions.Paths_Given([points.to_subject(one) for one in paths.subjects])
    else:
        paths = actions.Paths_Mixture(float(paths.rate))
    steps = convert.whole(training.steps, "u32", "`steps`")
    epochs = convert.whole(training.epochs, "u32", "`epochs`")
    return asked(actions.train_shared, actions.SharedTraining(_to_start(training.start), steps, epochs, paths))


def _evaluate_shared(points, evaluation):
    return asked(
        actions.evaluate_shared,
        actions.SharedEvaluation(
            evaluation.weights,
            points.to_architecture(evaluation.subject),
            convert.whole(evaluation.calibration, "u32", "`calibration`"),
            _to_number(evaluation.batch, "u64", "`batch`"),
        ),
    )


def _differentiate_shared(_, derivative):
    return asked(
        actions.differentiate_shared,
        actions.SharedDerivative(
            derivative.weights,
            convert.to_relaxation(derivative.relaxation),
            convert.whole(derivative.batch, "u64", "`batch`"),
            derivative.unrolled,
            convert.whole(derivative.epochs, "u32", "`epochs`"),
        ),
    )


def _look_up(points, measurement):
    return asked(
        actions.look_up,
        actions.Measurement(
            points.to_architecture(measurement.subject),
            convert.whole(measurement.until_epoch, "u32", "`until_epoch`"),
            convert.whole(measurement.trained_epochs, "u32", "`trained_epochs`"),
            _to_number(measurement.training, "u64", "`training`"),
            measurement.curve,
        ),
    )


_ACTIONS = {
    model.Training: _train,
    model.SharedTraining: _train_shared,
    model.SharedEvaluation: _evaluate_shared,
    model.SharedDerivative: _differentiate_shared,
    model.Measurement: _look_up,
}


def interface(declared):
    """The exported interface."""

    class Estimator:
        @guard.infallible
        def describe(self):
            return convert.description(convert.plugin_of(plugin.Estimator), **declared)

    guard.furnish()
    return Estimator
