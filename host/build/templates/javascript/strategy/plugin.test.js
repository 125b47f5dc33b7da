/** The strategy's logic, without a host: `node --test`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ToySpace, open, run } from "./archwright-testing.js";
import Evolution from "./plugin.js";

function search(seed, queries, value) {
  const history = run(open(Evolution, new ToySpace(), { seed }), { queries, inFlight: 2, value });
  return history.map((one) => one.value);
}

/** The share of the first five decisions, edges, that are 3x3 convolutions. */
const convolutions = (point) => point.slice(0, 5).filter((value) => value === 3).length / 5;

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("it gets better", () => {
  const values = search(0n, 200, convolutions);
  assert.ok(mean(values.slice(150)) > mean(values.slice(0, 50)) + 0.2);
});

test("the seed alone decides", () => {
  assert.deepEqual(search(1n, 60, convolutions), search(1n, 60, convolutions));
  assert.notDeepEqual(search(1n, 60, convolutions), search(2n, 60, convolutions));
});

test("it goes on when everything fails", () => {
  assert.equal(search(0n, 50, () => null).length, 50);
});
