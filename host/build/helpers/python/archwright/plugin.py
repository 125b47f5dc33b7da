"""What a plugin is, and how one refuses."""

import sys


class Refusal(Exception):
    """A plugin's own error: the text is shown to the person who runs the search."""

    kind = "other"


class InvalidOptions(Refusal):
    """An option is out of range: name it and say what is accepted."""

    kind = "invalid-options"


class Unsupported(Refusal):
    """The plugin cannot work with this space, estimator or objective: say what it needs."""

    kind = "unsupported"


class Internal(Refusal):
    """A broken invariant inside the plugin."""

    kind = "internal"


LEVELS = ("debug", "info", "warn", "error")


def _print(level, message):
    print(f"{level}: {message}", file=sys.stderr)


_write = _print


def log(level, message):
    """A line for the run's log; `level` is "debug", "info", "warn" or "error"."""
    if level not in LEVELS:
        raise ValueError(f"the level of a log line is one of {', '.join(LEVELS)}, not {level!r}")
    _write(level, str(message))


def _log_to(write):
    """Has lines go to the host; without one they are printed."""
    global _write
    _write = write


class _Plugin:
    """What every kind of plugin says of itself. Name and version are those of `plugin.toml`."""

    #: One line for a listing; by default the first line of the class's documentation.
    summary = None
    #: Papers and code that the method comes from, e.g. "arXiv:1802.01548".
    references = ()
    #: Names of what it cannot do without, e.g. "gradients".
    needs = ()
    #: Names of what it gives, e.g. "fidelity".
    gives = ()
    #: A class made of `archwright.Options`, or `None` where there are no options.
    Options = None


class Strategy(_Plugin):
    """A search strategy: decides which architectures to look at next.

    The host asks for queries, has them estimated, and tells what came of them. A strategy has neither a clock nor
    randomness but `setup.seed`: the same calls give the same answers.
    """

    def __init__(self, setup, options, space):
        """Starts a search: `setup` is a `Setup`, `options` are an instance of `Options`, `space` answers questions."""

    def ask(self, capacity):
        """From 1 to `capacity` new queries in a list, or `WAITING`, or `FINISHED`."""
        raise NotImplementedError

    def tell(self, observations):
        """Takes `Observation`s of queries asked before, each told once."""
        raise NotImplementedError

    def recommend(self):
        """The architectures it would pick now, best first. Empty: the best observed."""
        return []


class Reply:
    """An answer to `Strategy.ask` other than queries."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


#: Nothing to ask until more observations come. Only while queries are in flight.
WAITING = Reply("WAITING")
#: The search is over.
FINISHED = Reply("FINISHED")


class Estimator(_Plugin):
    """A performance estimation strategy: decides how to find out how good an architecture is.

    It never trains anything itself. A step is an action (`Training` or another) that the host carries out, an
    `Estimate`, or `Failed`.
    """

    def __init__(self, setup, options, space):
        """Starts: `setup` is an `EstimatorSetup`."""

    def begin(self, job, query):
        """The first step of a job. Many jobs are open at once."""
        raise NotImplementedError

    def advance(self, job, outcome):
        """The step after the `Outcome` of the action that the job asked for last."""
        raise NotImplementedError


class SearchSpace(_Plugin):
    """A search space written as a program."""

    def __init__(self, options):
        """The space with these options."""

    def decisions(self):
        """A list of `Decision`s, the same on every call."""
        raise NotImplementedError

    def build(self, point, context):
        """The `Network` of a point for a `Context`. Its first node is an "input", its last gives the scores."""
        raise NotImplementedError

    def recipe(self, point):
        """Training hyperparameters that the point decides, by their names in the recipe."""
        return {}


_exported = None


def export(plugin):
    """Makes this class the plugin of the project; it can stand above the class as a decorator."""
    global _exported
    if not issubclass(plugin, _Plugin):
        raise TypeError(f"{plugin.__name__} is no Strategy, Estimator or SearchSpace")
    _exported = plugin
    return plugin
