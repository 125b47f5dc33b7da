/** The estimator's logic, without a host: `node --test`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Internal, failed, query } from "./archwright.js";
import { ToySpace, open, trained } from "./archwright-testing.js";
import ShortTraining from "./plugin.js";

/** An estimator for trainings of 20 epochs, and a query for it. */
function opened(options = {}) {
  const space = new ToySpace();
  return [open(ShortTraining, space, { options, fullEpochs: 20 }), query(0, space.sample(0n))];
}

test("the mean of the last epochs counts", () => {
  const [estimator, asked] = opened({ epochs_share: 0.25, last: 2 });
  assert.equal(estimator.begin(7, asked).untilEpoch, 5);
  const estimate = estimator.advance(7, trained([0.1, 0.2, 0.3, 0.5, 0.7], 9));
  assert.ok(Math.abs(estimate.objectives[0] - 0.6) < 1e-12);
  assert.deepEqual([estimate.cost, estimate.fidelity], [9, 0.25]);
});

test("lower fidelities train for less", () => {
  const [estimator, asked] = opened();
  assert.equal(estimator.begin(0, { ...asked, fidelity: 0.4 }).untilEpoch, 2);
});

test("a failed training is no estimate", () => {
  const [estimator, asked] = opened();
  estimator.begin(0, asked);
  const outcome = { ...trained([]), failure: "diverged" };
  assert.deepEqual(estimator.advance(0, outcome), failed("diverged"));
  assert.throws(() => estimator.advance(0, outcome), Internal);
});

test("a training that diverges is no estimate", () => {
  for (const wrong of [NaN, Infinity]) {
    const [estimator, asked] = opened();
    estimator.begin(0, asked);
    assert.equal(estimator.advance(0, trained([0.1, wrong])).act, "failed");
  }
});
