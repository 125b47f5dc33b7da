"""Errors as the contract has them, and what a component has not: a clock, a console, files, threads."""

import _thread
import builtins
import functools
import importlib.machinery
import io
import os
import random
import sys
import threading
import time

from componentize_py_types import Err
from wit_world.imports import log as host_log
from wit_world.imports import types as wit

from .. import plugin

# Places at either end of a long traceback that are named.
_SHOWN = 5
_LEVELS = dict(zip(plugin.LEVELS, host_log.Level))
_REFUSALS = {
    "invalid-options": wit.Error_InvalidOptions,
    "unsupported": wit.Error_Unsupported,
    "internal": wit.Error_Internal,
    "other": wit.Error_Other,
}


def _log(level, message):
    host_log.log(_LEVELS[level], message)


class _Lines(io.TextIOBase):
    """Takes what is printed for the run's log, line by line: a component has no console."""

    def __init__(self, level):
        self._level = level
        self._rest = ""

    def writable(self):
        return True

    def write(self, text):
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            plugin.log(self._level, line)
        return len(text)


def _none(what):
    """A function that says that there is none of it. Without one the call would end the component with no word."""

    def refuse(*_, **__):
        raise RuntimeError(f"a plugin has no {what}: what it does follows from its calls and its seed alone")

    return refuse


_CLOCK = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep")
_CALENDAR = ("ctime", "gmtime", "localtime", "strftime", "asctime")
# Those that ask the system. What `os` has of paths and of the environment, it computes.
_FILES = (
    *("open", "fdopen", "listdir", "scandir", "walk", "stat", "lstat", "access", "getcwd", "chdir", "truncate"),
    *("mkdir", "makedirs", "rmdir", "remove", "unlink", "rename", "replace", "link", "symlink", "readlink", "utime"),
)


def _without_time(call):
    """A function of `time` that takes the time of day only where it is given none."""

    @functools.wraps(call)
    def checked(*arguments):
        # `strftime` is given a format first.
        if len(arguments) < (2 if call.__name__ == "strftime" else 1):
            _none("clock")()
        return call(*arguments)

    return checked


def _seeded(seed):
    """`random.Random.seed`, for which no seed at all is the system's randomness."""

    @functools.wraps(seed)
    def checked(self, a=None, *arguments, **named):
        if a is None:
            _none("randomness but its seed")()
        return seed(self, a, *arguments, **named)

    return checked


class _NoFiles:
    """Finds no modules: once the component is built there are no files, and so only modules that were imported then."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        raise ImportError(f"a plugin has no files: import `{name}` at the top of a module, not where it is used")


def furnish():
    """Makes the plugin's Python at home in a component."""
    plugin._log_to(_log)
    sys.stdout, sys.stderr = _Lines("info"), _Lines("warn")
    for name in _CLOCK:
        setattr(time, name, _none("clock"))
    for name in _CALENDAR:
        setattr(time, name, _without_time(getattr(time, name)))
    for module, names in [(builtins, ["open", "input"]), (io, ["open"]), (os, _FILES)]:
        for name in names:
            if hasattr(module, name):
                setattr(module, name, _none("console" if name == "input" else "files"))
    os.urandom = random._urandom = _none("randomness but its seed")
    random.Random.seed = _seeded(random.Random.seed)
    random.seed = random._inst.seed
    threading.Thread.start = _thread.start_new_thread = _none("threads")


def _close():
    """Ends imports from files, at the first call: until then the component is being built, and there are some."""
    if importlib.machinery.PathFinder in sys.meta_path:
        sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = _NoFiles


def refused(error):
    """A plugin's own error, for the host."""
    return Err(_REFUSALS[error.kind](str(error)))


def _places(error):
    """Where an exception comes from, the innermost place first: `at app.py:12 in ask`."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        # The plugin's folder is `/0` or so while it is being built.
        file = code.co_filename.lstrip("/").partition("/")[2] or code.co_filename
        if not file.startswith("archwright/component/"):
            places.append(f"{file}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    places.reverse()
    # A recursion without an end is told by its ends.
    if len(places) > 2 * _SHOWN + 1:
        places[_SHOWN:-_SHOWN] = [f"... {len(places) - 2 * _SHOWN} more ..."]
    return "at " + ", from ".join(places) if places else "in what it gave"


def _mistake(error):
    """Logs an exception that nobody expected, with its place; gives it. It ends the component."""
    name, text = type(error).__name__, str(error)
    _log("error", f"{name}: {text} ({_places(error)})" if text else f"{name} ({_places(error)})")
    # What is no `Exception`, such as `sys.exit`, would end the interpreter instead of the call.
    return error if isinstance(error, Exception) else RuntimeError(repr(error))


def guarded(call):
    """Gives the host refusals as such. Any other exception is a mistake in the plugin."""

    @functools.wraps(call)
    def checked(*arguments):
        _close()
        try:
            return call(*arguments)
        except plugin.Refusal as error:
            raise refused(error) from None
        except BaseException as error:
            raise _mistake(error)

    return checked


def infallible(call):
    """For calls that cannot be refused: every exception is a mistake."""

    @functools.wraps(call)
    def checked(*arguments):
        _close()
        try:
            return call(*arguments)
        except BaseException as error:
            raise _mistake(error)

    return checked
