/** The strategy's logic, without a host: `node --test`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidOptions, categorical, decision, integers, isActive, reals } from "./archwright.js";
import { ToySpace, open, run } from "./archwright-testing.js";
import RegularizedEvolution from "./plugin.js";

const convolutions = (point) => point.slice(0, 5).filter((value) => value === 3).length;

function evolve(queries, inFlight, options = {}, value = convolutions) {
  const given = { population_size: 20, sample_size: 5, ...options };
  return run(open(RegularizedEvolution, new ToySpace(), { options: given }), { queries, inFlight, value });
}

test("founders come first, then children of the living", () => {
  const parents = evolve(60, 4).map(({ query }) => query.parent);
  assert.ok(parents.slice(0, 20).every((parent) => parent === null));
  parents.forEach((parent, place) => {
    if (place >= 20) assert.ok(place - 24 <= parent && parent < place, `the parent of ${place} is ${parent}`);
  });
});

test("it goes on when everything fails", () => {
  assert.equal(evolve(50, 4, {}, () => null).length, 50);
});

test("crossover has two parents", () => {
  assert.equal(evolve(60, 2, { crossover_probability: 1 }).length, 60);
});

test("a sample larger than the population is refused", () => {
  assert.throws(() => evolve(1, 1, { sample_size: 21 }), InvalidOptions);
});

// What a strategy of your own asks that makes points value by value.
test("a decision is active where all its conditions hold", () => {
  const decisions = [
    decision("kind", categorical(["dense", "sparse", "none"])),
    decision("depth", integers(-2, 5), [{ decision: 0, anyOf: [0, 1] }]),
    decision("rate", reals(0, 1), [
      { decision: 0, anyOf: [1] },
      { decision: 1, anyOf: [0, 3] },
    ]),
    decision("unmet", categorical(["any"]), [{ decision: 2, anyOf: [0] }]),
    decision("unknown", categorical(["any"]), [{ decision: 9, anyOf: [0] }]),
    decision("wide", integers(-(2n ** 60n), 2n ** 60n)),
    decision("after", categorical(["any"]), [{ decision: 5, anyOf: [3] }]),
  ];
  const start = [0, 0, null, null, null];
  for (const [index, point, expected] of [
    [0, [], true],
    [1, [1], true],
    [1, [2], false],
    [1, [], false],
    // Integers count from the lower end.
    [2, [1, -2], true],
    [2, [1, 1], true],
    [2, [1, 0], false],
    [2, [0, 1], false],
    [2, [2, null], false],
    // No condition holds of a real, nor of what is not there.
    [3, [1, 1, 0], false],
    [4, [0, 0, null, null], false],
    [6, [...start, -(2n ** 60n) + 3n], true],
    [6, [...start, 2n ** 60n], false],
    [7, [...start, 0n, null], false],
  ]) {
    assert.equal(isActive(decisions, index, point), expected, `${index} of ${point}`);
  }
});
