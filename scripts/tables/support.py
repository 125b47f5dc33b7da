"""What the tests share."""

import contextlib
import csv
import io
import os
import pathlib
import subprocess
import tempfile
import unittest


class ConverterTest(unittest.TestCase):
    """Has a folder of its own. `ARCHWRIGHT` in the environment names the program that imports what was converted."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.output = self.folder / "out.csv"

    def convert(self, main, *arguments):
        """Runs a converter that has to succeed. Gives the rows, all as texts, and what it said."""
        status, said = self.run_main(main, *arguments)
        self.assertEqual(status, 0, said)
        with open(self.output, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file)), said

    def refuse(self, main, *arguments):
        """Runs a converter that has to fail and to leave no file. Gives what it said."""
        status, said = self.run_main(main, *arguments)
        self.assertEqual(status, 1)
        self.assertRegex(said, "(?m)^error: ")
        self.assertEqual([path.name for path in self.folder.glob("out*")], [])
        return said

    def run_main(self, main, path, *options):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            status = main([str(path), str(self.output), *options])
        return status, said.getvalue()

    def import_table(self, *arguments):
        program = os.environ.get("ARCHWRIGHT")
        if not program:
            self.skipTest("ARCHWRIGHT does not name the program that imports tables")
        store = ["--store", str(self.folder / "store")]
        command = [program, "table", "import", str(self.output), *arguments, *store]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
