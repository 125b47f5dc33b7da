"""Strategies as components: `declared` says the name, version and description of the plugin's manifest."""

import random

from wit_world.exports import archwright_export as contract
from wit_world.imports import types as wit

from .. import model, plugin
from . import convert, guard
from .space import Space

_PURPOSES = {model.ESTIMATE: wit.Purpose.ESTIMATE, model.PROBE: wit.Purpose.PROBE, model.TRAIN: wit.Purpose.TRAIN}


class Search:
    """A search under way."""

    @classmethod
    @guard.guarded
    def open(cls, setup):
        strategy = convert.plugin_of(plugin.Strategy)
        options = convert.options(strategy, setup.options)
        decisions = [convert.from_decision(one) for one in setup.decisions]
        objectives = [convert.from_objective(one) for one in setup.objectives]
        random.seed(setup.seed)
        search = cls()
        search._points = convert.Points(decisions)
        search._strategy = strategy(
            model.Setup(decisions, objectives, setup.seed, setup.max_queries, setup.offers), options, Space(decisions)
        )
        return search

    @guard.guarded
    def ask(self, capacity):
        reply = self._strategy.ask(capacity)
        if reply is plugin.WAITING:
            return contract.Reply_Waiting()
        if reply is plugin.FINISHED:
            return contract.Reply_Finished()
        if not isinstance(reply, (list, tuple)):
            given = convert.kind_of(reply)
            raise TypeError(f"`ask` has to give a list of queries, WAITING or FINISHED, not {given}")
        return contract.Reply_Queries([self._to_query(query, f"queries[{place}]") for place, query in enumerate(reply)])

    @guard.guarded
    def tell(self, observations):
        self._strategy.tell([_from_observation(one) for one in observations])

    @guard.guarded
    def recommend(self):
        return [
            self._points.to_architecture(one, f"architectures[{place}]")
            for place, one in enumerate(self._strategy.recommend())
        ]

    def _to_query(self, query, path):
        if not isinstance(query, model.Query):
            raise TypeError(f"{path} is {convert.typed(query)}: give a Query")
        parent = query.parent
        if query.purpose not in _PURPOSES:
            raise ValueError(f"{path}.purpose is {query.purpose!r}, not one of ESTIMATE, PROBE and TRAIN")
        return wit.Query(
            convert.whole(query.id, "u64", f"{path}.id"),
            self._points.to_subject(query.subject, f"{path}.subject"),
            convert.number(query.fidelity, f"{path}.fidelity"),
            None if parent is None else convert.whole(parent, "u64", f"{path}.parent"),
            _PURPOSES[query.purpose],
        )


def _from_observation(observation):
    outcome = observation.outcome
    if isinstance(outcome, wit.EstimateOutcome_Failed):
        return model.Observation(observation.query, failure=outcome.value)
    known = outcome.value
    curve = None if known.curve is None else [model.CurvePoint(one.fidelity, one.value) for one in known.curve]
    estimate = model.Estimate(known.objectives, known.cost, known.fidelity, known.uncertainty, known.gradient, curve)
    return model.Observation(observation.query, estimate)


def interface(declared):
    """The exported interface."""

    class Strategy:
        @guard.infallible
        def describe(self):
            return convert.description(convert.plugin_of(plugin.Strategy), **declared)

    guard.furnish()
    return Strategy
