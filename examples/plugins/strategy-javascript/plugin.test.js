/** The strategy's logic, without a host: `node --test`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidOptions } from "./archwright.js";
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
