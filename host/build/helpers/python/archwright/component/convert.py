"""Between the contract's values and the plugin's."""

import json
import operator

from wit_world.imports import types as wit

from .. import model, plugin
from ..option import Options

_MOST = {"u32": (1 << 32) - 1, "u64": (1 << 64) - 1}
_INACTIVE = wit.Value_Inactive()


def plugin_of(kind):
    """The plugin that the project exported."""
    if plugin._exported is None:
        raise TypeError("the project exports no plugin: put `@archwright.export` above its class")
    if not issubclass(plugin._exported, kind):
        raise TypeError(f"{plugin._exported.__name__} is no {kind.__name__}, which `plugin.toml` says it is")
    return plugin._exported


def description(its, name, version, summary):
    summary = its.summary or (its.__doc__ or "").strip().partition("\n")[0] or summary
    schema = (its.Options or Options).schema()
    lists = [list(one) for one in (its.references, its.needs, its.gives)]
    return wit.Description(name, version, summary, json.dumps(schema), *lists)


def options(its, given):
    return (its.Options or Options)(**json.loads(given))


def kind_of(value):
    """What a value is, for a message: `a float`. `None` is itself."""
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def typed(value):
    """A value that is wrong, for a message: `1.0, a float`."""
    return "None" if value is None else f"{value!r}, {kind_of(value)}"


def whole(value, kind, what):
    """A whole number of the contract's type `kind`, checked here, where the message can say what it is."""
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{what} is {typed(value)}: give a whole number") from None
    if not 0 <= value <= _MOST[kind]:
        raise ValueError(f"{what} is {value}, not from 0 to {_MOST[kind]}")
    return value


def number(value, what):
    """A number of the contract, checked alike."""
    if isinstance(value, str) or not hasattr(value, "__float__") and not hasattr(value, "__index__"):
        raise TypeError(f"{what} is {typed(value)}: give a number")
    return float(value)


def _index(value, what):
    return wit.Value_Index(whole(value, "u32", what))


def _integer(value, what):
    try:
        return wit.Value_Integer(operator.index(value))
    except TypeError:
        raise TypeError(f"{what} is {typed(value)}: give a whole number") from None


def _real(value, what):
    return wit.Value_Real(number(value, what))


_VALUES = {model.Categorical: _index, model.Ordinal: _index, model.Integer: _integer, model.Real: _real}


def from_values(values):
    return tuple([getattr(value, "value", None) for value in values])


class Points:
    """Points of a space with these decisions."""

    def __init__(self, decisions):
        self._values = [_VALUES[type(decision.domain)] for decision in decisions]

    def to_values(self, point, path):
        if not isinstance(point, (tuple, list)):
            raise TypeError(f"{path} is {typed(point)}: give a point, which is a tuple, or a Network")
        if len(point) != len(self._values):
            raise ValueError(f"{path} has {len(point)} values, {point!r}; the space has {len(self._values)} decisions")
        return [
            _INACTIVE if value is None else make(value, f"{path}[{place}]")
            for place, (make, value) in enumerate(zip(self._values, point))
        ]

    def to_architecture(self, architecture, path="the architecture"):
        if isinstance(architecture, model.Network):
            return wit.Architecture_Network(to_network(architecture))
        return wit.Architecture_Point(self.to_values(architecture, path))

    def to_subject(self, subject, path="the subject"):
        if isinstance(subject, model.Relaxation):
            return wit.Subject_Relaxation(to_relaxation(subject))
        return wit.Subject_Architecture(self.to_architecture(subject, path))


def from_architecture(architecture):
    if isinstance(architecture, wit.Architecture_Point):
        return from_values(architecture.value)
    return from_network(architecture.value)


def from_subject(subject):
    if isinstance(subject, wit.Subject_Architecture):
        return from_architecture(subject.value)
    return model.Relaxation(subject.value.probabilities, subject.value.wanted)


def to_relaxation(relaxation):
    return wit.Relaxation([float(one) for one in relaxation.probabilities], relaxation.wanted)


def from_decision(decision):
    domain = decision.domain
    if isinstance(domain, wit.Domain_Categorical):
        domain = model.Categorical(domain.value)
    elif isinstance(domain, wit.Domain_Ordinal):
        domain = model.Ordinal(domain.value)
    else:
        kind = model.Integer if isinstance(domain, wit.Domain_Integer) else model.Real
        domain = kind(domain.value.low, domain.value.high, domain.value.log_scale)
    conditions = [model.Condition(one.decision, one.any_of) for one in decision.active_when]
    return model.Decision(decision.name, domain, conditions)


def to_decision(decision):
    domain = decision.domain
    if isinstance(domain, model.Categorical):
        domain = wit.Domain_Categorical([str(label) for label in domain.labels])
    elif isinstance(domain, model.Ordinal):
        domain = wit.Domain_Ordinal([float(number) for number in domain.numbers])
    elif isinstance(domain, model.Integer):
        ends = operator.index(domain.low), operator.index(domain.high)
        domain = wit.Domain_Integer(wit.IntegerRange(*ends, domain.log_scale))
    else:
        domain = wit.Domain_Real(wit.RealRange(float(domain.low), float(domain.high), domain.log_scale))
    conditions = [
        wit.Condition(
            whole(one.decision, "u32", "the decision of a condition"),
            [whole(value, "u32", "a condition's value") for value in one.any_of],
        )
        for one in decision.active_when
    ]
    return wit.Decision(decision.name, domain, conditions)


def from_objective(objective):
    return model.Objective(objective.name, model.MINIMIZE if objective.goal == wit.Goal.MINIMIZE else model.MAXIMIZE)


def to_attribute(name, value):
    if isinstance(value, bool):
        made = wit.AttributeValue_Boolean(value)
    elif isinstance(value, int):
        made = wit.AttributeValue_Integer(value)
    elif isinstance(value, float):
        made = wit.AttributeValue_Real(value)
    elif isinstance(value, str):
        made = wit.AttributeValue_Text(value)
    elif all(isinstance(one, int) for one in value):
        made = wit.AttributeValue_Integers(list(value))
    else:
        made = wit.AttributeValue_Reals([float(one) for one in value])
    return wit.Attribute(name, made)


def to_network(network):
    nodes = [
        wit.Node(
            node.name,
            node.op,
            [to_attribute(name, value) for name, value in node.attributes.items()],
            [whole(one, "u32", f"an input of `{node.name}`") for one in node.inputs],
        )
        for node in network.nodes
    ]
    return wit.Network(nodes)


def from_network(network):
    nodes = [
        model.Node(node.name, node.op, {one.name: one.value.value for one in node.attributes}, tuple(node.inputs))
        for node in network.nodes
    ]
    return model.Network(nodes)
