"""The queries of a comparison in Python: a plain loop, and Optuna and Syne Tune where they are installed.

    python compare_python.py TABLE.csv SEEDS QUERIES

TABLE.csv has the columns `architecture` (cells of NAS-Bench-201) and `cifar10_test_accuracy`. A plain loop runs random search,
regularized evolution (population 10, tournaments of 3), local search and tournament evolution without a record of anything;
Optuna 5 (or what is installed) runs random search in memory, and so does the scheduler of Syne Tune 0.16 (or what is installed)
that is asked and told in a loop, without its simulator; both for a tenth of the seeds, scaled up to as many queries. Prints one
JSON line with seconds.
"""

import csv
import datetime
import importlib.util
import json
import random
import re
import sys
import time

OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]

path, seeds, queries = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, newline="") as file:
    table = {
        tuple(re.findall(r"([a-z_0-9]+)~\d", row["architecture"])): float(row["cifar10_test_accuracy"])
        for row in csv.DictReader(file)
    }


def draw(rng):
    return tuple(rng.choice(OPERATIONS) for _ in range(6))


def mutate(cell, rng):
    edge = rng.randrange(6)
    other = rng.choice([one for one in OPERATIONS if one != cell[edge]])
    return cell[:edge] + (other,) + cell[edge + 1 :]


def random_search(rng):
    return max(table[draw(rng)] for _ in range(queries))


def evolution(rng, dies):
    population, best = [], 0.0
    for number in range(queries):
        cell = draw(rng) if number < 10 else mutate(max(rng.choices(population, k=3), key=lambda one: one[1])[0], rng)
        value = table[cell]
        best = max(best, value)
        population.append((cell, value))
        if len(population) > 10:
            population.pop(dies(population))
    return best


def regularized(rng):
    return evolution(rng, lambda population: 0)


def tournament(rng):
    return evolution(rng, lambda population: min(range(len(population)), key=lambda one: population[one][1]))


def local_search(rng):
    best, left = 0.0, queries
    while left > 0:
        cell = draw(rng)
        value, left = table[cell], left - 1
        better = True
        while better and left > 0:
            around = [cell[:edge] + (one,) + cell[edge + 1 :] for edge in range(6) for one in OPERATIONS if one != cell[edge]]
            around = around[:left]
            left -= len(around)
            found = max(around, key=table.__getitem__)
            better = table[found] > value
            if better:
                cell, value = found, table[found]
        best = max(best, value)
    return best


begun = time.perf_counter()
for search in (random_search, regularized, local_search, tournament):
    for seed in range(seeds):
        search(random.Random(seed))
figures = {"python": time.perf_counter() - begun}

few = max(seeds // 10, 1)

if importlib.util.find_spec("optuna"):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    begun = time.perf_counter()
    for seed in range(few):
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed))
        study.optimize(
            lambda trial: table[tuple(trial.suggest_categorical(f"edge{edge}", OPERATIONS) for edge in range(6))],
            n_trials=queries,
        )
    figures["optuna"] = (time.perf_counter() - begun) * 4 * seeds / few
    figures["optuna_version"] = optuna.__version__

if importlib.util.find_spec("syne_tune"):
    import syne_tune
    from syne_tune.backend.trial_status import Trial
    from syne_tune.config_space import choice
    from syne_tune.optimizer.baselines import RandomSearch

    edges = [f"edge{edge}" for edge in range(6)]
    begun = time.perf_counter()
    for seed in range(few):
        space = {edge: choice(OPERATIONS) for edge in edges}
        scheduler = RandomSearch(space, metrics=["accuracy"], do_minimize=False, random_seed=seed)
        for number in range(queries):
            cell = scheduler.suggest().config
            trial = Trial(number, cell, datetime.datetime.now())
            scheduler.on_trial_add(trial)
            scheduler.on_trial_complete(trial, {"accuracy": table[tuple(cell[edge] for edge in edges)]})
    figures["syne_tune"] = (time.perf_counter() - begun) * 4 * seeds / few
    figures["syne_tune_version"] = syne_tune.__version__

print(json.dumps(figures))
