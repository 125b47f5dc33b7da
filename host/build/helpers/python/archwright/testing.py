"""Running a plugin's logic without a host and without a component.

    space = ToySpace()
    strategy = MyStrategy(setup(space, seed=0), MyStrategy.Options(), space)
    history = run(strategy, queries=100, in_flight=4, value=lambda point: ...)
"""

from . import model
from .plugin import FINISHED, WAITING, Refusal
from .rng import Rng


def toy_decisions():
    """Decisions of every kind: operations of five edges, a condition, a width, a depth and a learning rate."""
    operations = model.Categorical(["none", "skip", "conv-1x1", "conv-3x3", "pool"])
    edges = [model.Decision(f"edge-{index}", operations) for index in range(5)]
    return [
        *edges,
        model.Decision("kernel", model.Ordinal([3, 5, 7]), [model.Condition(0, [2, 3])]),
        model.Decision("width", model.Ordinal([8, 16, 32, 64])),
        model.Decision("depth", model.Integer(1, 8)),
        model.Decision("learning-rate", model.Real(0.001, 1.0, log_scale=True)),
    ]


class ToySpace:
    """A search space without a host. It keeps the contract, but draws other points than the host would."""

    def __init__(self, decisions=None):
        self.decisions = toy_decisions() if decisions is None else decisions

    def sample(self, seed):
        """A random point."""
        rng = Rng(seed)
        return self._completed([], rng)

    def mutate(self, parent, seed):
        """The parent with another value for one active decision."""
        self._check(parent)
        rng = Rng(seed)
        open_places = [place for place, value in enumerate(parent) if value is not None and self._others(place, value)]
        if not open_places:
            return parent
        place = rng.choose(open_places)
        changed = list(parent)
        changed[place] = rng.choose(self._others(place, parent[place]))
        return self._completed(changed, rng)

    def crossover(self, left, right, seed):
        """Each decision from one parent or the other."""
        self._check(left)
        self._check(right)
        rng = Rng(seed)
        return self._completed([rng.choose([one, other]) for one, other in zip(left, right)], rng)

    def neighbors(self, of, limit):
        """The points one decision away, at most `limit`."""
        self._check(of)
        found = []
        for place, value in enumerate(of):
            for other in self._others(place, value) if value is not None else []:
                found.append(self._completed([*of[:place], other, *of[place + 1 :]], Rng(0)))
        return found[:limit]

    def fingerprint(self, of):
        """A text of its own for each point."""
        self._check(of)
        return repr(of)

    def encode(self, of, encoding="one-hot"):
        """A number for each value of a decision, 1.0 for its own; a real as itself. There is no other encoding."""
        if encoding != "one-hot":
            raise Refusal("the toy space has one-hot encodings only")
        self._check(of)
        numbers = []
        for decision, value in zip(self.decisions, of):
            if isinstance(decision.domain, model.Real):
                numbers.append(0.0 if value is None else value)
            else:
                numbers.extend(1.0 if value == one else 0.0 for one in _values(decision.domain))
        return numbers

    def build(self, of):
        """A network of one layer, whatever the point."""
        self._check(of)
        nodes = [model.Node("input", "input", {"shape": [3, 32, 32]}), model.Node("pool", "global-avg-pool", {}, (0,))]
        return model.Network([*nodes, model.Node("scores", "linear", {"out-features": 10}, (1,))])

    def admits(self, of):
        """Whether this is a point of the space."""
        try:
            self._check(of)
        except Refusal:
            return False
        return True

    def profile(self, of):
        """Sizes that grow with the values of a point."""
        size = 1 + sum(int(value) for value in of if value is not None)
        return model.Footprint(100 * size, 1_000 * size, len(of), 400 * size)

    def _check(self, point):
        if len(point) != len(self.decisions):
            raise Refusal(f"{point!r} is no point of the space: it has {len(self.decisions)} decisions")
        for place, (decision, value) in enumerate(zip(self.decisions, point)):
            if (value is not None) != model.is_active(self.decisions, place, point):
                raise Refusal(f"`{decision.name}` is {value!r}, which its conditions do not allow")
            if value is not None and not _holds(decision.domain, value):
                raise Refusal(f"`{decision.name}` is {value!r}, which it cannot be")

    def _completed(self, values, rng):
        """A point with these values as far as they go: active decisions without one are drawn."""
        point = []
        for place, decision in enumerate(self.decisions):
            value = values[place] if place < len(values) else None
            if not model.is_active(self.decisions, place, point):
                value = None
            elif value is None:
                value = _draw(decision.domain, rng)
            point.append(value)
        return tuple(point)

    def _others(self, place, value):
        return [one for one in _values(self.decisions[place].domain) if one != value]


def _values(domain):
    """The values of a domain; of a real one, a few."""
    if isinstance(domain, model.Categorical):
        return range(len(domain.labels))
    if isinstance(domain, model.Ordinal):
        return range(len(domain.numbers))
    if isinstance(domain, model.Integer):
        return range(domain.low, domain.high + 1)
    return [domain.low + (domain.high - domain.low) * step / 8 for step in range(9)]


def _holds(domain, value):
    if isinstance(domain, model.Real):
        return isinstance(value, float) and domain.low <= value <= domain.high
    return isinstance(value, int) and value in _values(domain)


def _draw(domain, rng):
    if isinstance(domain, model.Real):
        return domain.low + (domain.high - domain.low) * rng.uniform()
    return rng.choose(_values(domain))


def points(decisions, count, seed=0):
    """Random points of a space with these decisions, for tests of search spaces."""
    rng = Rng(seed)
    return [ToySpace(decisions).sample(rng.next_u64()) for _ in range(count)]


def setup(space, seed=0, max_queries=None):
    """What a strategy starts from: this space, an accuracy to maximize, this seed."""
    return model.Setup(space.decisions, [model.Objective("accuracy")], seed, max_queries)


def estimator_setup(space, seed=0, full_epochs=20):
    """What an estimator starts from: this space, an accuracy to maximize, so many epochs of a full training."""
    return model.EstimatorSetup(space.decisions, [model.Objective("accuracy")], seed, full_epochs, ["train"], 10)


def trained(values, cost=1.0):
    """The outcome of a training with these values of the one objective after each epoch."""
    curve = [model.Epoch(epoch, 1.0 - value, [value]) for epoch, value in enumerate(values, 1)]
    return model.Outcome(curve=curve, cost=cost)


def run(strategy, queries, in_flight, value):
    """Drives a strategy for `queries` queries, `in_flight` at a time, told in order.

    `value` says how good an architecture is; `None` fails the query. Gives pairs of queries and values. A strategy that
    breaks the contract fails an assertion.
    """
    history, told, ids = [], 0, set()
    while told < queries:
        capacity = min(in_flight - (len(history) - told), queries - len(history))
        if capacity > 0:
            reply = strategy.ask(capacity)
            if reply is FINISHED:
                if told == len(history):
                    break
            elif reply is WAITING:
                assert told < len(history), "it waits for nothing"
            else:
                assert 1 <= len(reply) <= capacity, f"it asked for {len(reply)} of {capacity}"
                for query in reply:
                    assert query.id not in ids, f"query {query.id} was asked twice"
                    ids.add(query.id)
                    history.append((query, value(query.subject)))
        if told < len(history):
            query, known = history[told]
            if known is None:
                observation = model.Observation(query.id, failure="as the test wants")
            else:
                observation = model.Observation(query.id, model.Estimate([float(known)], 1.0))
            strategy.tell([observation])
            told += 1
    return history


def check_network(network):
    """Asserts what the host checks of every network: names, order and inputs. Shapes it checks itself."""
    names = [node.name for node in network.nodes]
    assert len(set(names)) == len(names), "names of nodes are unique"
    assert network.nodes[0].op == "input", "the first node is the input"
    for place, node in enumerate(network.nodes):
        assert all(0 <= one < place for one in node.inputs), f"the inputs of `{node.name}` come before it"
        assert node.op == "input" or node.inputs, f"`{node.name}` takes something"
