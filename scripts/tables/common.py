"""What the converters share: their command line, and the CSV file that they write."""

import argparse
import contextlib
import csv
import math
import os
import sys


class Problem(Exception):
    """What is wrong with an input, for whoever gave it."""


def parser(documentation):
    """The arguments of all converters; a converter adds its own."""
    result = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    result.add_argument("input", metavar="INPUT", help="the official file or folder")
    result.add_argument("output", metavar="OUTPUT.csv", help="the file to write")
    return result


class Rows:
    """Rows of a table that is being written."""

    def __init__(self, file, headers):
        self.headers = headers
        self.count = 0
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(headers)

    def write(self, **values):
        """Writes a row. What is missing, or no finite number, is left empty."""
        unknown = values.keys() - set(self.headers)
        if unknown:
            raise ValueError(f"there are no columns {sorted(unknown)}")
        self._writer.writerow([_cell(values.get(header)) for header in self.headers])
        self.count += 1


def _cell(value):
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    # Subclasses of float such as numpy's print differently.
    return repr(float(value)) if isinstance(value, float) else value


@contextlib.contextmanager
def table(path, headers):
    """Rows to write into a CSV file, which is there whole or not at all."""
    if not path.endswith(".csv"):
        raise Problem(f"{path}: the file to write has to end in .csv")
    part = path + ".part"
    try:
        with open(part, "w", encoding="utf-8", newline="") as file:
            rows = Rows(file, headers)
            yield rows
        if rows.count == 0:
            raise Problem("the input holds no trainings to write")
        os.replace(part, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(part)


def share(percent):
    """An accuracy in percent as a share of the examples."""
    return None if percent is None else float(percent) / 100


def run(convert, arguments):
    """Converts, and says how it went. Gives the exit status."""
    try:
        summary = convert(arguments)
    except (Problem, OSError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    print(summary, file=sys.stderr)
    return 0
