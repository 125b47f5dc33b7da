"""The strategy's logic, without a host: `python3 -m unittest`."""

import unittest

from app import RegularizedEvolution
from archwright import Categorical, Condition, Decision, Integer, InvalidOptions, Real, is_active
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


class ConditionsTest(unittest.TestCase):
    """What a strategy of your own asks that makes points value by value."""

    def test_a_decision_is_active_where_all_its_conditions_hold(self):
        decisions = [
            Decision("kind", Categorical(["dense", "sparse", "none"])),
            Decision("depth", Integer(-2, 5), [Condition(0, [0, 1])]),
            Decision("rate", Real(0.0, 1.0), [Condition(0, [1]), Condition(1, [0, 3])]),
            Decision("unmet", Categorical(["any"]), [Condition(2, [0])]),
            Decision("unknown", Categorical(["any"]), [Condition(9, [0])]),
        ]
        active = [
            (0, (), True),
            (1, (1,), True),
            (1, (2,), False),
            (1, (), False),
            # Integers count from the lower end.
            (2, (1, -2), True),
            (2, (1, 1), True),
            (2, (1, 0), False),
            (2, (0, 1), False),
            (2, (2, None), False),
            # No condition holds of a real, nor of what is not there.
            (3, (1, 1, 0.0), False),
            (4, (0, 0, None, None), False),
            (5, (0, 0, None, None, None), False),
        ]
        for index, point, expected in active:
            self.assertIs(is_active(decisions, index, point), expected, (index, point))


if __name__ == "__main__":
    unittest.main()
