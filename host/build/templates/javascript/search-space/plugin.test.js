/** The space's logic, without a host: `node --test`. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Unsupported, optionsOf } from "./archwright.js";
import { checkNetwork, points } from "./archwright-testing.js";
import Cells from "./plugin.js";

const space = (options = {}) => new Cells(optionsOf(Cells, options));
const context = { input: [1, 8, 8], classes: 10, widthShare: 1, depthShare: 1 };

test("points build at every size", () => {
  for (const point of points(space().decisions(), 200)) {
    for (const share of [1, 0.5, 0.01]) {
      checkNetwork(space().build(point, { ...context, widthShare: share, depthShare: share }));
    }
  }
});

test("cells repeat", () => {
  const { nodes } = space({ cells: 3 }).build([1, 0, 2, 0], context);
  assert.equal(nodes.filter(({ name }) => name.endsWith("/sum")).length, 3);
});

test("the last node has a score for each class", () => {
  const { nodes } = space().build([0, 0, 0, 0], { ...context, classes: 7 });
  assert.equal(nodes.at(-1).attributes["out-features"], 7);
});

test("vectors are declined", () => {
  assert.throws(() => space().build([0, 0, 0, 0], { ...context, input: [16] }), Unsupported);
});
