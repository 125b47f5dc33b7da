"""Makes reference.json, what other libraries say of 52 random result sets.

    python reference.py > reference.json

reference.json was made with Python 3.11, numpy 2.4.6, scipy 1.17.1, scikit-posthocs 0.17.1,
statsmodels 0.15.0.

A set holds no values but what they derive from: `seed`, `methods`, `blocks`, `levels`, `equal`, `shift`. The test derives
the same ones: a generator (x * 48271 mod 2^31 - 1, Park and Miller 1993) that goes through methods and, within each,
through blocks.
"""

import itertools
import json
import math
import sys
import warnings

import numpy as np
import scikit_posthocs
from scipy import stats
from statsmodels.stats.multitest import multipletests

SETS = 50
# Beyond them, sets with more blocks than Wilcoxon's test is exact for.
LONG = 2
# Written digits: more than the test asks for.
DIGITS = 12


def generator(seed):
    state = seed
    while True:
        state = state * 48271 % (2**31 - 1)
        yield state


def values(about):
    """One row a method, one column a block."""
    draws = generator(about["seed"])
    rows = []
    for method in range(about["methods"]):
        row = [next(draws) % about["levels"] + method * about["shift"] for _ in range(about["blocks"])]
        rows.append([float(value) for value in (rows[0] if rows and about["equal"] else row)])
    return np.array(rows)


def short(number):
    if isinstance(number, (list, tuple, np.ndarray)):
        return [short(one) for one in number]
    return None if math.isnan(number) else float(f"{number:.{DIGITS}g}")


def summary(row):
    return short([row.mean(), row.std(ddof=1), *np.percentile(row, [25, 50, 75])])


def tested(about):
    rows = values(about)
    methods, blocks = rows.shape
    upper = np.triu_indices(methods, 1)
    ranks = stats.rankdata(rows, axis=0)
    pairs = list(itertools.combinations(range(methods), 2))
    # Where all values are equal, scipy has no p; the test expects 1.
    wilcoxon = [stats.wilcoxon(rows[one], rows[other]) for one, other in pairs]
    adjusted = multipletests([1.0 if math.isnan(found.pvalue) else found.pvalue for found in wilcoxon], method="holm")[1]
    # Samples of unequal size: the right one is cut.
    cut = 1 + blocks // 2
    mann_whitney = [stats.mannwhitneyu(rows[one], rows[other][:cut]) for one, other in pairs]
    a12 = [
        np.mean([(left > right) + 0.5 * (left == right) for left in rows[one] for right in rows[other][:cut]])
        for one, other in pairs
    ]
    friedman = stats.friedmanchisquare(*rows) if methods > 2 else None
    return about | {
        "summary": [summary(row) for row in rows],
        "mean_ranks": short(ranks.mean(axis=1)),
        "friedman": friedman and short([friedman.statistic, friedman.pvalue]),
        "nemenyi": short(scikit_posthocs.posthoc_nemenyi_friedman(rows.T).to_numpy()[upper]),
        "wilcoxon": [short([found.statistic, found.pvalue]) for found in wilcoxon],
        "wilcoxon_holm": short(adjusted),
        "mann_whitney": [short([found.statistic, found.pvalue]) for found in mann_whitney],
        "a12": short(a12),
    }


def sets():
    draws = generator(20)
    for place in range(SETS + LONG):
        draw = lambda low, high: low + next(draws) % (high - low + 1)
        yield {
            "seed": next(draws),
            "methods": draw(2, 8),
            "blocks": draw(5, 40) if place < SETS else draw(51, 60),
            # Few levels make many ties; with very many there are none.
            "levels": [10**8, 3, 10**8, 20][place % 4],
            "equal": place % 10 == 9,
            "shift": [0, 0, 10**7, 1][place % 4],
        }


def q(methods, alpha):
    return stats.studentized_range.isf(alpha, methods, np.inf)


def critical_differences():
    return [
        [methods, blocks, alpha, short(q(methods, alpha) * math.sqrt(methods * (methods + 1) / (12 * blocks)))]
        for methods, blocks, alpha in itertools.product([2, 3, 5, 8, 20], [5, 40], [0.05, 0.1])
    ]


warnings.simplefilter("ignore")
found = {"critical_differences": critical_differences(), "sets": [tested(about) for about in sets()]}
lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in found["sets"])
critical = json.dumps(found["critical_differences"], separators=(",", ":"))
sys.stdout.write(f'{{"critical_differences":{critical},\n"sets":[\n{lines}\n]}}\n')
