"""Building blocks of strategies, each one idea: what is known, who may reproduce, who dies, what is new."""

from collections import deque
from dataclasses import dataclass

from .model import MAXIMIZE, Objective, Query
from .plugin import Internal


@dataclass(frozen=True, slots=True)
class Member:
    """An architecture, the query that asked for it, and its value by the first objective."""

    query: int
    architecture: object
    value: float


class Archive:
    """Which architectures were asked for, and which of them are known to be how good by the first objective."""

    def __init__(self, objectives):
        #: The first objective.
        self.objective = objectives[0] if objectives else Objective("value", MAXIMIZE)
        #: The best member so far; of equals the first one told. `None` before.
        self.best = None
        self._open = {}
        self._next = 0

    def ask(self, architecture):
        """Takes note that an architecture is asked for; gives the query's id, from 0."""
        query = self._next
        self._next += 1
        self._open[query] = architecture
        return query

    def query(self, architecture, parent=None):
        """A query for an architecture, of which note is taken; `parent` is the query that it descends from."""
        return Query(self.ask(architecture), architecture, parent=parent)

    @property
    def asked(self):
        """Architectures asked for so far."""
        return self._next

    @property
    def in_flight(self):
        """Queries that nothing was told of yet."""
        return len(self._open)

    def tell(self, observation):
        """Takes an observation; gives the architecture as a `Member`, or `None` where the query failed."""
        if observation.query not in self._open:
            raise Internal(f"query {observation.query} is not in flight")
        architecture = self._open.pop(observation.query)
        if observation.estimate is None or not observation.estimate.objectives:
            return None
        member = Member(observation.query, architecture, observation.estimate.objectives[0])
        if self.best is None or self.objective.is_better(member.value, self.best.value):
            self.best = member
        return member

    def estimated(self, observations):
        """Takes observations; gives those with a value as members, in order."""
        members = [self.tell(observation) for observation in observations]
        return [member for member in members if member is not None]


class Population:
    """Members by age."""

    def __init__(self, objective):
        self._objective = objective
        self._members = deque()

    def __len__(self):
        return len(self._members)

    def __iter__(self):
        """From the oldest to the youngest."""
        return iter(self._members)

    def add(self, member):
        """Adds the youngest."""
        self._members.append(member)

    def extend(self, members):
        """Adds members, the youngest last."""
        self._members.extend(members)

    def keep_youngest(self, size):
        """Lets the oldest die until at most `size` are left (ageing; Real et al. 2019)."""
        while len(self._members) > size:
            self._members.popleft()

    def tournament(self, size, rng):
        """The best of `size` draws, each from all members (Real et al. 2019, algorithm 1).

        Of equals the first drawn; `None` where nobody lives.
        """
        if not self._members:
            return None
        best = None
        for _ in range(max(size, 1)):
            member = self._members[rng.below(len(self._members))]
            if best is None or self._objective.is_better(member.value, best.value):
                best = member
        return best


class Distinct:
    """Tells whether an architecture's network was seen before, isomorphic ones being the same."""

    def __init__(self):
        self._seen = set()

    def is_new(self, architecture, space):
        """Whether no architecture with an isomorphic network was seen; from now on it was."""
        fingerprint = space.fingerprint(architecture)
        known = fingerprint in self._seen
        self._seen.add(fingerprint)
        return not known
