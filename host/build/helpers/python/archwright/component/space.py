"""The search space as a plugin sees it, answered by the host."""

from componentize_py_types import Err
from wit_world.imports import space as host
from wit_world.imports import types as wit

from .. import plugin
from ..model import Footprint
from .convert import Points, from_architecture, from_network, whole

_ENCODINGS = {"one-hot": host.Encoding.ONE_HOT, "adjacency": host.Encoding.ADJACENCY, "path": host.Encoding.PATH}
_ERRORS = {
    wit.Error_InvalidOptions: plugin.InvalidOptions,
    wit.Error_Unsupported: plugin.Unsupported,
    wit.Error_Internal: plugin.Internal,
    wit.Error_Other: plugin.Refusal,
}


def asked(question, *arguments):
    """The host's answer; where it refuses, that is a refusal of the plugin's, unless the plugin takes it."""
    try:
        return question(*arguments)
    except Err as error:
        raise _ERRORS[type(error.value)](error.value.value) from None


class Space:
    """Pure questions about the space: the same arguments give the same answer."""

    def __init__(self, decisions):
        self._out = Points(decisions).to_architecture

    def sample(self, seed):
        """A random architecture: every active decision drawn uniformly."""
        return from_architecture(host.sample(whole(seed, "u64", "a seed")))

    def mutate(self, parent, seed):
        """The parent with another value for one active decision."""
        return from_architecture(asked(host.mutate, self._out(parent), whole(seed, "u64", "a seed")))

    def crossover(self, left, right, seed):
        """Each decision from one parent or the other."""
        seed = whole(seed, "u64", "a seed")
        return from_architecture(asked(host.crossover, self._out(left), self._out(right), seed))

    def neighbors(self, of, limit):
        """The architectures one decision away, in a fixed order, at most `limit`."""
        answer = asked(host.neighbors, self._out(of), whole(limit, "u32", "the limit"))
        return [from_architecture(one) for one in answer]

    def fingerprint(self, of):
        """The same text for two architectures exactly when their networks are isomorphic."""
        return asked(host.fingerprint, self._out(of))

    def encode(self, of, encoding="one-hot"):
        """A list of numbers of fixed length; `encoding` is "one-hot", "adjacency" or "path"."""
        return asked(host.encode, self._out(of), _ENCODINGS[encoding])

    def build(self, of):
        """The network that an architecture stands for."""
        return from_network(asked(host.build, self._out(of)))

    def admits(self, of):
        """Whether an architecture belongs to the space and is within the sizes that the experiment allows."""
        return host.admits(self._out(of))

    def profile(self, of):
        """Size and work of an architecture's network."""
        answer = asked(host.profile, self._out(of))
        return Footprint(answer.parameters, answer.multiply_adds, answer.depth, answer.activation_bytes)
