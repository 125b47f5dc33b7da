"""Errors as the contract has them, and what a component has not: a clock, a console."""

import functools
import io
import sys
import time

from componentize_py_types import Err
from wit_world.imports import log as host_log
from wit_world.imports import types as wit

from .. import plugin

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


def _no_clock(*_, **__):
    raise RuntimeError("a plugin has no clock: what it does follows from its calls and its seed alone")


def furnish():
    """Makes the plugin's Python at home in a component."""
    plugin._log_to(_log)
    sys.stdout, sys.stderr = _Lines("info"), _Lines("warn")
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"):
        setattr(time, name, _no_clock)


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
    return "at " + ", from ".join(reversed(places)) if places else "in what it gave"


def _mistake(error):
    """Logs an exception that nobody expected, with its place. It ends the component."""
    _log("error", f"{type(error).__name__}: {error} ({_places(error)})")


def guarded(call):
    """Gives the host refusals as such. Any other exception is a mistake in the plugin."""

    @functools.wraps(call)
    def checked(*arguments):
        try:
            return call(*arguments)
        except plugin.Refusal as error:
            raise refused(error) from None
        except Exception as error:
            _mistake(error)
            raise

    return checked


def infallible(call):
    """For calls that cannot be refused: every exception is a mistake."""

    @functools.wraps(call)
    def checked(*arguments):
        try:
            return call(*arguments)
        except Exception as error:
            _mistake(error)
            raise

    return checked
