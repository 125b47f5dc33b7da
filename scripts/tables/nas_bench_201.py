"""Converts NAS-Bench-201's official files to a CSV file for `archwright table import`.

    pip install nats_bench
    python scripts/tables/nas_bench_201.py NATS-tss-v1_0-3ffb9-simple nas-bench-201.csv
    archwright table import nas-bench-201.csv --space nas-bench-201

INPUT is one of these, of Dong & Yang 2020 (arXiv:2001.00326) and Dong et al. 2021 (arXiv:2009.00437):

    NATS-tss-v1_0-3ffb9-simple        folder, unpacked of the .tar file of the same name. Takes the least memory
    NATS-tss-v1_0-3ffb9.pickle.pbz2   the same in one file, which is read as a whole
    NAS-Bench-201-v1_1-096897.pth     the older file. Needs `pip install nas-bench-201`, and with PyTorch from 2.6 the
                                      environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1

published at https://github.com/D-X-Y/NATS-Bench ("Preparation and Download") and https://github.com/D-X-Y/NAS-Bench-201.
They are pickles, which can run any code: take them from there.

Each row is an epoch of a training, or with `--epochs last` (the default) the end of one:

    architecture         the benchmark's string
    data_set             cifar10, cifar100 or ImageNet16-120
    seed                 the benchmark's: 777, 888, 999 for 200 epochs, 111 and 777 for 12
    epoch                from 1
    validation_accuracy, validation_loss
                         on images that were not trained on
    test_accuracy, test_loss
                         on test images that are not among those for validation
    training_loss        of the training that the validation accuracy is of
    training_time        seconds of that training up to the epoch, without evaluations
    parameters           of the network for the first of the data sets that are written; empty for the others, whose
                         networks have another classifier

What is taken from which of the benchmark's trainings and sets of images:

    data_set         validation                     test
    cifar10          `cifar10-valid`, `x-valid`     `cifar10`, `ori-test`, of the same seed
    cifar100         `cifar100`, `x-valid`          `cifar100`, `x-test`
    ImageNet16-120   `ImageNet16-120`, `x-valid`    `ImageNet16-120`, `x-test`

So the two accuracies of CIFAR-10 are of two networks, as the benchmark defines it: validation of one trained on half of
the training set, test of one trained on all of it. For CIFAR-100 and ImageNet16-120, `x-valid` and `x-test` are two
halves of the original test set. Their trainings of 200 epochs were evaluated on the halves at the end only, and after
every epoch on both together (`ori-test`). That accuracy is left out, as the test has a part in it: epochs before the last
have a training loss and no accuracy there.

`--hp 200` (the default) takes the trainings of 200 epochs, `--hp 12` those of 12, whose learning rates fall within their 12
epochs: they are no part of the longer ones, so one table holds the ones or the others. All epochs of all trainings of 200
are 28 million rows, 5 GB; `--data-sets` writes less.
"""

import importlib
import os
import pickle
import re
import sys

import common

HEADERS = [
    "architecture",
    "data_set",
    "seed",
    "epoch",
    "validation_accuracy",
    "validation_loss",
    "test_accuracy",
    "test_loss",
    "training_loss",
    "training_time",
    "parameters",
]

# For each data set, the benchmark's training and set of images for validation, and for tests.
SOURCES = {
    "cifar10": (("cifar10-valid", "x-valid"), ("cifar10", "ori-test")),
    "cifar100": (("cifar100", "x-valid"), ("cifar100", "x-test")),
    "ImageNet16-120": (("ImageNet16-120", "x-valid"), ("ImageNet16-120", "x-test")),
}


def package(name, pip):
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise common.Problem(f"cannot load the official package: {problem}; get it by `pip install {pip}`") from None


# What the packages raise about damaged files and about what is not in them.
UNREADABLE = (AssertionError, EOFError, KeyError, ValueError, pickle.UnpicklingError)


def load(path):
    """The official interface to a file or folder, and the indices of the architectures that are there."""
    if os.path.isdir(path):
        found = (re.fullmatch(r"(\d+)\.pickle\.pbz2", name) for name in os.listdir(path))
        indices = sorted(int(match[1]) for match in found if match)
        if not indices or not os.path.isfile(os.path.join(path, "meta.pickle.pbz2")):
            raise common.Problem(f"{path}: there are no meta.pickle.pbz2 and 000000.pickle.pbz2, ... in this folder")
        return package("nats_bench", "nats_bench").create(path, "tss", fast_mode=True, verbose=False), indices
    if not os.path.isfile(path):
        raise common.Problem(f"{path}: there is no such file or folder")
    if path.endswith(".pth"):
        api = package("nas_201_api", "nas-bench-201").NASBench201API(path, verbose=False)
    elif path.endswith(".pickle.pbz2"):
        api = package("nats_bench", "nats_bench").create(path, "tss", fast_mode=False, verbose=False)
    else:
        raise common.Problem(f"{path}: it is no folder, and ends neither in .pickle.pbz2 nor in .pth")
    return api, sorted(api.evaluated_indexes)


class Training:
    """One of the benchmark's trainings, or none."""

    def __init__(self, results, data_set, seed):
        there = seed in results.dataset_seed.get(data_set, ())
        self.result = results.query(data_set, seed) if there else None

    def __bool__(self):
        return self.result is not None

    def at(self, series, key):
        """A measurement; nothing where there is none."""
        try:
            return float(getattr(self.result, series)[key])
        except (AttributeError, KeyError, IndexError, TypeError):
            return None

    def accuracy(self, images, epoch):
        return common.share(self.at("eval_acc1es", f"{images}@{epoch}"))

    def loss(self, images, epoch):
        return self.at("eval_losses", f"{images}@{epoch}")

    def times(self):
        """Seconds up to each epoch; nothing from where they are unknown."""
        total, times = 0.0, []
        for epoch in range(self.result.epochs if self else 0):
            time = self.at("train_times", epoch)
            total = None if total is None or time is None else total + time
            times.append(total)
        return times


def write(results, data_set, every, with_parameters, rows):
    """Writes what an architecture's results say of a data set."""
    (trained_on, validation), (tested_on, test) = SOURCES[data_set]
    seeds = [set(results.dataset_seed.get(name, ())) for name in (trained_on, tested_on)]
    parameters = None
    if with_parameters and any(seeds):
        costs = results.get_compute_costs(trained_on if seeds[0] else tested_on)
        parameters = round(costs["params"] * 1e6)
    for seed in sorted(seeds[0] | seeds[1]):
        trained, tested = Training(results, trained_on, seed), Training(results, tested_on, seed)
        lengths = {training.result.epochs for training in (trained, tested) if training}
        if len(lengths) > 1:
            raise common.Problem(f"{results.arch_str}: trainings of seed {seed} for {data_set} are of different lengths")
        length = lengths.pop()
        times = trained.times()
        for epoch in range(length) if every else [length - 1]:
            measured = {
                "validation_accuracy": trained.accuracy(validation, epoch),
                "validation_loss": trained.loss(validation, epoch),
                "test_accuracy": tested.accuracy(test, epoch),
                "test_loss": tested.loss(test, epoch),
                "training_loss": trained.at("train_losses", epoch),
            }
            if all(value is None for value in measured.values()):
                continue
            rows.write(
                architecture=results.arch_str,
                data_set=data_set,
                seed=seed,
                epoch=epoch + 1,
                training_time=times[epoch] if trained else None,
                parameters=parameters,
                **measured,
            )


def convert(arguments):
    with common.table(arguments.output, HEADERS) as rows:
        try:
            api, indices = load(arguments.input)
        except UNREADABLE as problem:
            raise common.Problem(f"{arguments.input}: the official package cannot read it: {problem}") from None
        for index in indices:
            try:
                results = api.query_meta_info_by_index(index, hp=arguments.hp)
            except UNREADABLE as problem:
                raise common.Problem(f"architecture {index}: {problem}") from None
            for data_set in arguments.data_sets:
                first = data_set == arguments.data_sets[0]
                write(results, data_set, arguments.epochs == "every", first, rows)
            # Of a folder, architectures are read one by one: none has to stay in memory.
            api.arch2infos_dict.pop(index, None)
    return f"{rows.count} rows about {len(indices)} of {len(api)} architectures"


def main(arguments=None):
    parser = common.parser(__doc__)
    parser.add_argument("--epochs", choices=["every", "last"], default="last", help="default: last")
    parser.add_argument("--hp", choices=["200", "12"], default="200", help="epochs of the trainings; default: 200")
    parser.add_argument(
        "--data-sets", nargs="+", choices=list(SOURCES), default=list(SOURCES), metavar="NAME", help="default: all three"
    )
    return common.run(convert, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
