"""The estimator's logic, without a host: `python3 -m unittest`."""

import unittest

from app import ShortTraining
from archwright import Failed, Internal, Outcome, Query
from archwright.testing import ToySpace, estimator_setup, trained


def opened(**options):
    """An estimator for trainings of 20 epochs, and a query for it."""
    space = ToySpace()
    estimator = ShortTraining(estimator_setup(space, full_epochs=20), ShortTraining.Options(**options), space)
    return estimator, Query(0, space.sample(0))


class ShortTrainingTest(unittest.TestCase):
    def test_the_mean_of_the_last_epochs_counts(self):
        estimator, query = opened(epochs_share=0.25, last=2)
        self.assertEqual(estimator.begin(7, query).until_epoch, 5)
        estimate = estimator.advance(7, trained([0.1, 0.2, 0.3, 0.5, 0.7], cost=9.0))
        self.assertAlmostEqual(estimate.objectives[0], 0.6)
        self.assertEqual((estimate.cost, estimate.fidelity), (9.0, 0.25))

    def test_lower_fidelities_train_for_less(self):
        estimator, query = opened()
        query.fidelity = 0.4
        self.assertEqual(estimator.begin(0, query).until_epoch, 2)

    def test_a_failed_training_is_no_estimate(self):
        estimator, query = opened()
        estimator.begin(0, query)
        outcome = Outcome(failure="diverged")
        self.assertEqual(estimator.advance(0, outcome), Failed("diverged"))
        with self.assertRaises(Internal):
            estimator.advance(0, outcome)

    def test_a_training_that_diverges_is_no_estimate(self):
        for wrong in [float("nan"), float("inf")]:
            estimator, query = opened()
            estimator.begin(0, query)
            self.assertIsInstance(estimator.advance(0, trained([0.1, wrong])), Failed)


if __name__ == "__main__":
    unittest.main()
