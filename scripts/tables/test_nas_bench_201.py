import sys
import types
import unittest
from unittest import mock

import nas_bench_201
import support

FIRST = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
SECOND = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
# Percent; what is added for a seed and for an epoch tells trainings and epochs apart.
BASES = {
    ("cifar10-valid", "x-valid"): 40.0,
    ("cifar10-valid", "ori-test"): 41.0,
    ("cifar10", "ori-test"): 50.0,
    ("cifar100", "x-valid"): 20.0,
    ("cifar100", "x-test"): 21.0,
    ("cifar100", "ori-test"): 22.0,
    ("ImageNet16-120", "x-valid"): 10.0,
    ("ImageNet16-120", "x-test"): 11.0,
    ("ImageNet16-120", "ori-test"): 12.0,
}
PARAMETERS = {"cifar10-valid": 0.129306, "cifar10": 0.129306, "cifar100": 0.135156, "ImageNet16-120": 0.136456}


class Result:
    """A training as the packages `nats_bench` and `nas_201_api` have it, with the fields that are in the files."""

    def __init__(self, data_set, seed, epochs):
        self.epochs = epochs
        self.params = PARAMETERS[data_set]
        self.train_losses = {epoch: 2.0 - epoch / epochs for epoch in range(epochs)}
        self.train_times = {epoch: 7.5 for epoch in range(epochs)}
        self.eval_acc1es, self.eval_losses = {}, {}
        for (name, images), base in BASES.items():
            # Long trainings were evaluated on some sets of images at the end only.
            at_end = epochs > 12 and images != ("x-valid" if data_set == "cifar10-valid" else "ori-test")
            if name == data_set:
                for epoch in [epochs - 1] if at_end else range(epochs):
                    self.eval_acc1es[f"{images}@{epoch}"] = base + seed % 10 / 10 + epoch / 1000
                    self.eval_losses[f"{images}@{epoch}"] = 1.0


class Results:
    """All trainings of an architecture."""

    def __init__(self, text, epochs, seeds):
        self.arch_str = text
        self.dataset_seed = seeds
        self.all = {(name, seed): Result(name, seed, epochs) for name, some in seeds.items() for seed in some}

    def query(self, data_set, seed):
        return self.all[data_set, seed]

    def get_compute_costs(self, data_set):
        return {"params": self.all[data_set, self.dataset_seed[data_set][0]].params}


LONG = {name: [777, 888] for name in PARAMETERS}
SHORT = {"cifar10-valid": [111, 777], "cifar10": [111], "cifar100": [111], "ImageNet16-120": [111]}


class Api:
    def __init__(self, indices):
        self.evaluated_indexes = indices
        self.arch2infos_dict = {}

    def __len__(self):
        return 15625

    def query_meta_info_by_index(self, index, hp):
        if hp == "200" and index == 3:
            raise ValueError("The 3-th architecture only has hyper-parameters of ['12'] instead of 200.")
        self.arch2infos_dict[index] = hp
        return Results([FIRST, SECOND][index % 2], int(hp), LONG if hp == "200" else SHORT)


class Test(support.ConverterTest):
    def setUp(self):
        super().setUp()
        self.api = Api({0, 1})
        self.created = []

        def create(path, space, fast_mode, verbose):
            self.created.append((path, space, fast_mode, verbose))
            return self.api

        fake = types.SimpleNamespace(create=create)
        older = types.SimpleNamespace(NASBench201API=lambda path, verbose: create(path, "201", False, verbose))
        patch = mock.patch.dict(sys.modules, {"nats_bench": fake, "nas_201_api": older})
        patch.start()
        self.addCleanup(patch.stop)

    def archive(self, *indices):
        folder = self.folder / "NATS-tss-v1_0-3ffb9-simple"
        folder.mkdir()
        for name in ["meta", *(f"{index:06}" for index in indices)]:
            (folder / f"{name}.pickle.pbz2").touch()
        return folder

    def test_ends_of_trainings(self):
        rows, said = self.convert(nas_bench_201.main, self.archive(0, 1))
        self.assertIn("12 rows about 2 of 15625 architectures", said)
        self.assertEqual(self.created[0][1:], ("tss", True, False))
        self.assertEqual({row["epoch"] for row in rows}, {"200"})
        names = ["data_set", "seed", "validation_accuracy", "test_accuracy", "training_time", "parameters"]
        of_first = [tuple(row[name] for name in names) for row in rows if row["architecture"] == FIRST]
        expected = [
            ("cifar10", "777", 0.40899, 0.50899, "1500.0", "129306"),
            ("cifar10", "888", 0.40999, 0.50999, "1500.0", "129306"),
            ("cifar100", "777", 0.20899, 0.21899, "1500.0", ""),
            ("cifar100", "888", 0.20999, 0.21999, "1500.0", ""),
            ("ImageNet16-120", "777", 0.10899, 0.11899, "1500.0", ""),
            ("ImageNet16-120", "888", 0.10999, 0.11999, "1500.0", ""),
        ]
        rounded = [(*row[:2], round(float(row[2]), 5), round(float(row[3]), 5), *row[4:]) for row in of_first]
        self.assertEqual(rounded, expected)
        self.assertEqual(self.api.arch2infos_dict, {}, "what was written does not stay in memory")

    def test_every_epoch(self):
        rows, _ = self.convert(nas_bench_201.main, self.archive(0), "--epochs", "every")
        self.assertEqual(len(rows), 3 * 2 * 200)
        self.assertEqual([row["epoch"] for row in rows[:200]], [str(epoch) for epoch in range(1, 201)])
        self.assertEqual([row["training_time"] for row in rows[:3]], ["7.5", "15.0", "22.5"])
        # The accuracy on validation and test images together stands for neither.
        cifar100 = [row for row in rows if row["data_set"] == "cifar100" and row["seed"] == "777"]
        self.assertEqual({(row["validation_accuracy"], row["test_accuracy"]) for row in cifar100[:-1]}, {("", "")})
        self.assertEqual(cifar100[0]["training_loss"], "2.0")

    def test_short_trainings_of_one_data_set(self):
        rows, _ = self.convert(nas_bench_201.main, self.archive(0), "--hp", "12", "--data-sets", "cifar10", "cifar100")
        found = [(row["data_set"], row["seed"], row["epoch"], row["test_accuracy"] != "") for row in rows]
        expected = [("cifar10", "111", "12", True), ("cifar10", "777", "12", False), ("cifar100", "111", "12", True)]
        self.assertEqual(found, expected)
        rows, _ = self.convert(nas_bench_201.main, self.folder / "NATS-tss-v1_0-3ffb9-simple", "--data-sets", "cifar100")
        self.assertEqual({row["parameters"] for row in rows}, {"135156"})

    def test_single_files(self):
        for name, space in [("NATS-tss-v1_0-3ffb9.pickle.pbz2", "tss"), ("NAS-Bench-201-v1_1-096897.pth", "201")]:
            (self.folder / name).touch()
            rows, _ = self.convert(nas_bench_201.main, self.folder / name)
            self.assertEqual(len(rows), 12)
            self.assertEqual(self.created[-1][1:], (space, False, False))

    def test_missing_times_are_left_empty(self):
        with mock.patch.object(Result, "__init__", without_times(Result.__init__)):
            rows, _ = self.convert(nas_bench_201.main, self.archive(0))
        self.assertEqual({row["training_time"] for row in rows}, {""})

    def test_rows_are_imported(self):
        for options, trainings in [(["--epochs", "every"], "up to 2 trainings"), (["--hp", "12"], "up to 2 trainings")]:
            path = self.folder / "NATS-tss-v1_0-3ffb9-simple"
            self.convert(nas_bench_201.main, path if path.exists() else self.archive(0, 1), *options)
            said = self.import_table("--space", "nas-bench-201")
            self.assertIn(f"2 architectures of nas-bench-201, {trainings} of each", said)

    def test_other_inputs_are_refused(self):
        self.assertIn("no meta.pickle.pbz2", self.refuse(nas_bench_201.main, self.folder))
        self.assertIn("no such file", self.refuse(nas_bench_201.main, self.folder / "missing.pth"))
        (self.folder / "other.zip").touch()
        self.assertIn("ends neither in", self.refuse(nas_bench_201.main, self.folder / "other.zip"))
        said = self.refuse(nas_bench_201.main, self.archive(3))
        self.assertIn("architecture 3: The 3-th architecture only has", said)
        def damaged(*_, **__):
            raise EOFError("Ran out of input")

        with mock.patch.object(sys.modules["nats_bench"], "create", damaged):
            said = self.refuse(nas_bench_201.main, self.folder / "NATS-tss-v1_0-3ffb9-simple")
        self.assertIn("the official package cannot read it: Ran out of input", said)
        with mock.patch.dict(sys.modules, {"nats_bench": None}):
            said = self.refuse(nas_bench_201.main, self.folder / "NATS-tss-v1_0-3ffb9-simple")
        self.assertIn("pip install nats_bench", said)


def without_times(init):
    def changed(result, *arguments):
        init(result, *arguments)
        result.train_times = None

    return changed


if __name__ == "__main__":
    unittest.main()
