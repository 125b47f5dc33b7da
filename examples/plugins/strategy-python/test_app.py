"""The strategy's logic, without a host: `python3 -m unittest`."""

import unittest

from app import RegularizedEvolution
from archwright import InvalidOptions
from archwright.testing import ToySpace, run, setup


def evolve(queries, in_flight, value=lambda point: sum(one == 3 for one in point[:5]), **options):
    space = ToySpace()
    options = {"population_size": 20, "sample_size": 5, **options}
    strategy = RegularizedEvolution(setup(space), RegularizedEvolution.Options(**options), space)
    return run(strategy, queries, in_flight, value)


class RegularizedEvolutionTest(unittest.TestCase):
    def test_founders_come_first_then_children_of_the_living(self):
        history = evolve(60, 4)
        self.assertTrue(all(query.parent is None for query, _ in history[:20]))
        for place, (query, _) in enumerate(history[20:], 20):
            self.assertTrue(place - 24 <= query.parent < place, f"the parent of {place} is {query.parent}")

    def test_it_goes_on_when_everything_fails(self):
        self.assertEqual(len(evolve(50, 4, value=lambda point: None)), 50)

    def test_crossover_has_two_parents(self):
        self.assertEqual(len(evolve(60, 2, crossover_probability=1.0)), 60)

    def test_a_sample_larger_than_the_population_is_refused(self):
        with self.assertRaisesRegex(InvalidOptions, "sample_size"):
            evolve(1, 1, sample_size=21)


if __name__ == "__main__":
    unittest.main()
