"""The strategy's logic, without a host: `python3 -m unittest`."""

import unittest

from app import Evolution
from archwright.testing import ToySpace, run, setup


def search(seed, queries, value):
    space = ToySpace()
    strategy = Evolution(setup(space, seed), Evolution.Options(), space)
    return [known for _, known in run(strategy, queries, in_flight=2, value=value)]


def convolutions(point):
    """The share of the first five decisions, edges, that are 3x3 convolutions."""
    return sum(value == 3 for value in point[:5]) / 5


class EvolutionTest(unittest.TestCase):
    def test_it_gets_better(self):
        values = search(0, 200, convolutions)
        self.assertGreater(sum(values[150:]) / 50, sum(values[:50]) / 50 + 0.2)

    def test_the_seed_alone_decides(self):
        self.assertEqual(search(1, 60, convolutions), search(1, 60, convolutions))
        self.assertNotEqual(search(1, 60, convolutions), search(2, 60, convolutions))

    def test_it_goes_on_when_everything_fails(self):
        self.assertEqual(len(search(0, 50, lambda point: None)), 50)


if __name__ == "__main__":
    unittest.main()
