import json
import unittest

import nas_bench_301
import support

PREFIX = "NetworkSelectorDatasetInfo:darts:"
# The architecture of the benchmark's own example of a result.
EDGES = {
    "edge_normal_0": "skip_connect",
    "edge_normal_1": "sep_conv_3x3",
    "edge_normal_2": "sep_conv_3x3",
    "edge_normal_3": "skip_connect",
    "edge_normal_5": "dil_conv_3x3",
    "edge_normal_7": "dil_conv_5x5",
    "edge_normal_10": "sep_conv_3x3",
    "edge_normal_11": "skip_connect",
    "edge_reduce_0": "max_pool_3x3",
    "edge_reduce_1": "avg_pool_3x3",
    "edge_reduce_2": "skip_connect",
    "edge_reduce_3": "dil_conv_5x5",
    "edge_reduce_6": "sep_conv_3x3",
    "edge_reduce_7": "sep_conv_5x5",
    "edge_reduce_11": "sep_conv_3x3",
    "edge_reduce_12": "dil_conv_3x3",
    "inputs_node_normal_3": "0_1",
    "inputs_node_normal_4": "0_2",
    "inputs_node_normal_5": "1_2",
    "inputs_node_reduce_3": "0_1",
    "inputs_node_reduce_4": "1_2",
    "inputs_node_reduce_5": "2_3",
}
GENOTYPE = (
    "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 1), "
    "('dil_conv_3x3', 0), ('dil_conv_5x5', 2), ('sep_conv_3x3', 1), ('skip_connect', 2)], normal_concat=range(2, 6), "
    "reduce=[('max_pool_3x3', 0), ('avg_pool_3x3', 1), ('skip_connect', 0), ('dil_conv_5x5', 1), "
    "('sep_conv_3x3', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 2), ('dil_conv_3x3', 3)], reduce_concat=range(2, 6))"
)
# Another one, whose last vertex reads the vertex before it.
OTHER = EDGES | {"inputs_node_normal_5": "0_4", "edge_normal_9": "max_pool_3x3", "edge_normal_13": "dil_conv_5x5"}


def result(edges=EDGES, cells=8, channels=32, budget=100, curve=None, **changes):
    configuration = {PREFIX + name: value for name, value in edges.items()}
    configuration |= {PREFIX + "layers": cells, PREFIX + "init_channels": channels, PREFIX + "auxiliary": "True"}
    info = {"train_loss": 0.659, "val_accuracy": 94.5, "val_cross_entropy": 0.25, "epochs": 97, "model_parameters": 1234567}
    whole = {
        "final_metric_score": -94.5,
        "optimized_hyperparamater_config": configuration,
        "budget": budget,
        "info": [info],
        "test_accuracy": 93.75,
        "runtime": 5000,
    }
    if curve:
        whole["learning_curves"] = curve
    return whole | changes


class Test(support.ConverterTest):
    def folder_of(self, **files):
        root = self.folder / "nb_301"
        for number, (name, content) in enumerate(files.items()):
            path = root / name / f"results_{number}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return root

    def test_ends_of_trainings(self):
        root = self.folder_of(bananas=result(), darts=result(OTHER), rs=result())
        rows, said = self.convert(nas_bench_301.main, root)
        self.assertIn("3 rows about 3 trainings of 2 architectures", said)
        self.assertEqual([row["seed"] for row in rows], ["0", "0", "1"])
        self.assertEqual(rows[0]["architecture"], GENOTYPE)
        self.assertIn("('max_pool_3x3', 0), ('dil_conv_5x5', 4)], normal_concat", rows[1]["architecture"])
        del rows[0]["architecture"]
        expected = {
            "seed": "0",
            "epoch": "100",
            "validation_accuracy": "0.945",
            "validation_loss": "0.25",
            "test_accuracy": "0.9375",
            "training_loss": "0.659",
            "training_time": "5000.0",
            "parameters": "1234567",
        }
        self.assertEqual(rows[0], expected)

    def test_every_epoch(self):
        epochs = range(98)
        curve = {
            "Train/val_accuracy": [50 + epoch / 4 for epoch in epochs],
            "Train/val_cross_entropy": [1.5] * 98,
            "Train/train_loss": [2.5] * 98,
            "Train/train_accuracy": [40.0] * 98,
        }
        rows, _ = self.convert(nas_bench_301.main, self.folder_of(re=result(curve=curve)), "--epochs", "every")
        # The last value of a curve repeats the best one, which stands at the end.
        self.assertEqual([row["epoch"] for row in rows], [*map(str, range(1, 98)), "100"])
        names = ["validation_accuracy", "validation_loss", "test_accuracy", "training_loss", "training_time"]
        self.assertEqual([rows[1][name] for name in names], ["0.5025", "1.5", "", "2.5", "100.0"])
        self.assertEqual([rows[-1][name] for name in names], ["0.945", "0.25", "0.9375", "0.659", "5000.0"])

    def test_curves_of_tests_and_none_at_all(self):
        for name in ["Train/test_accuracy", "Train/test_result"]:
            root = self.folder_of(re=result(curve={name: [10.0, 20.0, 93.75]}), rs=result())
            rows, _ = self.convert(nas_bench_301.main, root, "--epochs", "every")
            self.assertEqual([row["test_accuracy"] for row in rows], ["0.1", "0.2", "0.9375", "0.9375"])

    def test_other_networks_and_unreadable_files_are_left_out(self):
        lacking = {name: value for name, value in EDGES.items() if name != "edge_normal_7"}
        root = self.folder_of(
            a=result(), b=result(cells=20, channels=50), c=result(lacking), d="{", e=result(info=[]), f=result(budget=50)
        )
        rows, said = self.convert(nas_bench_301.main, root)
        self.assertEqual(len(rows), 1)
        self.assertIn("results_2.json: it lacks 'NetworkSelectorDatasetInfo:darts:edge_normal_7'", said)
        self.assertIn("results_3.json: ", said)
        self.assertIn("results_4.json: ", said)
        self.assertIn("left out 2 trainings of other networks or budgets", said)
        rows, _ = self.convert(nas_bench_301.main, root, "--cells", "20", "--channels", "50")
        self.assertEqual(len(rows), 1)

    def test_rows_are_imported(self):
        curve = {"Train/val_accuracy": [50.0, 60.0, 94.5], "Train/train_loss": [2.5, 2.0, 0.659]}
        root = self.folder_of(bananas=result(curve=curve), darts=result(OTHER), rs=result())
        self.convert(nas_bench_301.main, root, "--epochs", "every")
        said = self.import_table("--space", "darts", "-o", "cells=8", "-o", "channels=32")
        self.assertIn("2 architectures of darts, up to 2 trainings of each", said)

    def test_other_inputs_are_refused(self):
        self.assertIn("unpack the data set first", self.refuse(nas_bench_301.main, self.folder / "nb_301.zip"))
        self.assertIn("no files results_*.json", self.refuse(nas_bench_301.main, self.folder))
        root = self.folder_of(a=result(cells=20))
        self.assertIn("left out 1 trainings of other", self.refuse(nas_bench_301.main, root))


if __name__ == "__main__":
    unittest.main()
