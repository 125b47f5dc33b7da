"""Converts NAS-Bench-301's trained architectures to a CSV file for `archwright table import`.

    python scripts/tables/nas_bench_301.py nb_301 nas-bench-301.csv
    archwright table import nas-bench-301.csv --space darts -o cells=8 -o channels=32

INPUT is the unpacked folder of one of the two data sets of Siems et al. 2020 (arXiv:2008.09777), linked from
https://github.com/automl/nasbench301:

    "NAS-Bench-301 Dataset v1.0"   https://figshare.com/articles/dataset/NAS-Bench-301_Dataset_v1_0/13246952
    "nasbench301_full_data"        https://figshare.com/articles/dataset/nasbench301_full_data/13286105, the same
                                   trainings with their learning curves

Both hold a file `results_*.json` for each training, in a folder for each method that found the architectures (rs, re, de,
tpe, bananas, darts, ...). A folder of one method will do, too. No package is needed. The columns:

    architecture         Genotype(...) of DARTS
    seed                 number of the training, from 0, among those of this architecture, in the order of the files'
                         names: nearly all were trained once, and the files name no seeds
    epoch                from 1. The end of a training stands at its budget of epochs, 100
    validation_accuracy, validation_loss
                         on the 10,000 images held out of CIFAR-10's training set
    test_accuracy        on CIFAR-10's 10,000 test images
    training_loss        with mixup
    training_time        seconds up to the epoch: the files give that of the whole training, with evaluations, of which
                         each epoch gets the same share
    parameters           trainable parameters, those of the auxiliary head among them

The validation accuracy and losses at the end are those of the epoch with the best validation accuracy, as the benchmark
has them and its surrogate models are fitted to; the test accuracy is that of the finished network.

`--epochs every` writes the epochs before the end, too, from `learning_curves`, whose last values repeat the best epoch and
are left out. A training without curves has its end alone.

Trainings of other than the benchmark's networks of 8 cells and 32 channels for 100 epochs are left out and counted;
`--cells`, `--channels` and `--budget` ask for others. So are files that cannot be read, each with the reason.
"""

import json
import pathlib
import sys

import common

HEADERS = [
    "architecture",
    "seed",
    "epoch",
    "validation_accuracy",
    "validation_loss",
    "test_accuracy",
    "training_loss",
    "training_time",
    "parameters",
]

DARTS = "NetworkSelectorDatasetInfo:darts:"
CELLS = ("normal", "reduce")
# Vertices of a cell: two inputs, and these.
VERTICES = range(2, 6)
# Unreadable files that are told one by one.
TOLD_FILES = 5

# Curves that the files may hold, and columns of theirs. Which name the curve of test accuracies has is not documented.
ACCURACIES = {
    "Train/val_accuracy": "validation_accuracy",
    "Train/test_accuracy": "test_accuracy",
    "Train/test_result": "test_accuracy",
}
LOSSES = {"Train/val_cross_entropy": "validation_loss", "Train/train_loss": "training_loss"}


def genotype(configuration):
    """The architecture of a configuration, whose operations stand on the edges of a cell: those to vertex 2 come first."""
    parts = []
    for cell in CELLS:
        picks, first_edge = [], 0
        for vertex in VERTICES:
            inputs = (0, 1)
            if vertex > 2:
                inputs = tuple(map(int, configuration[f"{DARTS}inputs_node_{cell}_{vertex}"].split("_")))
            if len(inputs) != 2 or not all(0 <= place < vertex for place in inputs):
                raise ValueError(f"vertex {vertex} of cell {cell} reads {inputs}")
            for place in inputs:
                picks.append((configuration[f"{DARTS}edge_{cell}_{first_edge + place}"], place))
            first_edge += vertex
        parts.append(f"{cell}={picks}, {cell}_concat=range(2, 6)")
    return f"Genotype({', '.join(parts)})"


def curves(result, length):
    """What was measured after each epoch before the last that is known, a dictionary for each."""
    given = result.get("learning_curves", {})
    epochs = [{} for _ in range(length)]
    for names, convert in ((ACCURACIES, common.share), (LOSSES, float)):
        for name, column in names.items():
            for epoch, value in zip(epochs, given.get(name, [])[:-1]):
                if value is not None:
                    epoch[column] = convert(value)
    while epochs and not epochs[-1]:
        epochs.pop()
    return epochs


class Result:
    """What a file says of a training."""

    def __init__(self, path, every):
        result = json.loads(path.read_bytes())
        configuration, info = result["optimized_hyperparamater_config"], result["info"][0]
        self.architecture = genotype(configuration)
        self.network = {
            "cells": int(configuration[f"{DARTS}layers"]),
            "channels": int(configuration[f"{DARTS}init_channels"]),
            "budget": int(result["budget"]),
        }
        self.seconds = float(result["runtime"])
        self.parameters = int(info["model_parameters"])
        self.end = {
            "validation_accuracy": common.share(info["val_accuracy"]),
            "validation_loss": info.get("val_cross_entropy"),
            "test_accuracy": common.share(result["test_accuracy"]),
            "training_loss": info.get("train_loss"),
        }
        self.before = curves(result, self.network["budget"] - 1) if every else []

    def write(self, seed, rows):
        budget = self.network["budget"]
        for epoch, measured in [*enumerate(self.before, 1), (budget, self.end)]:
            if measured:
                rows.write(
                    architecture=self.architecture,
                    seed=seed,
                    epoch=epoch,
                    training_time=self.seconds * epoch / budget,
                    parameters=self.parameters,
                    **measured,
                )


def convert(arguments):
    folder = pathlib.Path(arguments.input)
    if not folder.is_dir():
        raise common.Problem(f"{folder}: there is no such folder; unpack the data set first")
    wanted = {name: getattr(arguments, name) for name in ("cells", "channels", "budget")}
    trainings, others, unreadable = {}, 0, []
    with common.table(arguments.output, HEADERS) as rows:
        paths = sorted(folder.rglob("results_*.json"))
        if not paths:
            raise common.Problem(f"{folder}: there are no files results_*.json in it")
        for path in paths:
            try:
                result = Result(path, arguments.epochs == "every")
            except KeyError as name:
                unreadable.append(f"{path}: it lacks {name}")
                continue
            except (ValueError, TypeError, AttributeError, IndexError) as problem:
                unreadable.append(f"{path}: {problem}")
                continue
            if result.network != wanted:
                others += 1
                continue
            seed = trainings.get(result.architecture, 0)
            trainings[result.architecture] = seed + 1
            result.write(seed, rows)
        for problem in unreadable[:TOLD_FILES]:
            print(f"left out {problem}", file=sys.stderr)
        if len(unreadable) > TOLD_FILES:
            print(f"left out {len(unreadable) - TOLD_FILES} more that cannot be read", file=sys.stderr)
        if others:
            print(f"left out {others} trainings of other networks or budgets", file=sys.stderr)
    return f"{rows.count} rows about {sum(trainings.values())} trainings of {len(trainings)} architectures"


def main(arguments=None):
    parser = common.parser(__doc__)
    parser.add_argument("--epochs", choices=["every", "last"], default="last", help="default: last")
    parser.add_argument("--cells", type=int, default=8, help="default: 8")
    parser.add_argument("--channels", type=int, default=32, help="default: 32")
    parser.add_argument("--budget", type=int, default=100, help="epochs of a training; default: 100")
    return common.run(convert, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
