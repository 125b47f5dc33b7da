/**
 * Running a plugin's logic without a host and without a component.
 *
 *     const space = new ToySpace();
 *     const strategy = open(MyStrategy, space, { seed: 0n });
 *     const history = run(strategy, { queries: 100, inFlight: 4, value: (point) => ... });
 */

import assert from "node:assert/strict";

import {
  FINISHED,
  Refusal,
  Rng,
  WAITING,
  categorical,
  decision,
  integers,
  isActive,
  optionsOf,
  ordinal,
  reals,
} from "./archwright.js";

/** Decisions of every kind: operations of five edges, a condition, a width, a depth and a learning rate. */
export function toyDecisions() {
  const operations = categorical(["none", "skip", "conv-1x1", "conv-3x3", "pool"]);
  return [
    ...Array.from({ length: 5 }, (_, index) => decision(`edge-${index}`, operations)),
    decision("kernel", ordinal([3, 5, 7]), [{ decision: 0, anyOf: [2, 3] }]),
    decision("width", ordinal([8, 16, 32, 64])),
    decision("depth", integers(1, 8)),
    decision("learning-rate", reals(0.001, 1, { logScale: true })),
  ];
}

/** The values of a domain; of a real one, a few. */
function valuesOf({ kind, labels, numbers, low, high }) {
  if (kind === "categorical") return labels.map((_, index) => index);
  if (kind === "ordinal") return numbers.map((_, index) => index);
  if (kind === "integer") return Array.from({ length: high - low + 1 }, (_, offset) => low + offset);
  return Array.from({ length: 9 }, (_, step) => low + ((high - low) * step) / 8);
}

function holds(domain, value) {
  if (domain.kind === "real") return typeof value === "number" && domain.low <= value && value <= domain.high;
  return valuesOf(domain).includes(value);
}

/** A search space without a host. It keeps the contract, but draws other points than the host would. */
export class ToySpace {
  constructor(decisions = toyDecisions()) {
    this.decisions = decisions;
  }

  /** A random point. */
  sample(seed) {
    return this.#completed([], new Rng(seed));
  }

  /** The parent with another value for one active decision. */
  mutate(parent, seed) {
    this.#check(parent);
    const rng = new Rng(seed);
    const open = parent.map((_, place) => place).filter((place) => this.#others(place, parent[place]).length > 0);
    if (open.length === 0) return parent;
    const place = rng.choose(open);
    return this.#completed(parent.with(place, rng.choose(this.#others(place, parent[place]))), rng);
  }

  /** Each decision from one parent or the other. */
  crossover(left, right, seed) {
    this.#check(left);
    this.#check(right);
    const rng = new Rng(seed);
    return this.#completed(
      left.map((one, place) => rng.choose([one, right[place]])),
      rng,
    );
  }

  /** The points one decision away, at most `limit`. */
  neighbors(of, limit) {
    this.#check(of);
    const beside = of.flatMap((value, place) =>
      this.#others(place, value).map((other) => this.#completed(of.with(place, other), new Rng(0n))),
    );
    return beside.slice(0, limit);
  }

  /** A text of its own for each point. */
  fingerprint(of) {
    this.#check(of);
    return JSON.stringify(of);
  }

  /** A number for each value of a decision, 1 for its own; a real as itself. There is no other encoding. */
  encode(of, encoding = "one-hot") {
    if (encoding !== "one-hot") throw new Refusal("the toy space has one-hot encodings only");
    this.#check(of);
    return this.decisions.flatMap(({ domain }, place) =>
      domain.kind === "real" ? [of[place] ?? 0] : valuesOf(domain).map((one) => Number(one === of[place])),
    );
  }

  /** A network of one layer, whatever the point. */
  build(of) {
    this.#check(of);
    return {
      nodes: [
        { name: "input", op: "input", attributes: { shape: [3, 32, 32] }, inputs: [] },
        { name: "pool", op: "global-avg-pool", attributes: {}, inputs: [0] },
        { name: "scores", op: "linear", attributes: { "out-features": 10 }, inputs: [1] },
      ],
    };
  }

  /** Whether this is a point of the space. */
  admits(of) {
    try {
      this.#check(of);
      return true;
    } catch {
      return false;
    }
  }

  /** Sizes that grow with the values of a point. */
  profile(of) {
    const size = 1 + of.reduce((sum, value) => sum + Math.trunc(value ?? 0), 0);
    return { parameters: 100 * size, multiplyAdds: 1_000 * size, depth: of.length, activationBytes: 400 * size };
  }

  #check(point) {
    if (point.length !== this.decisions.length) {
      throw new Refusal(`a point has ${point.length} values; the space has ${this.decisions.length} decisions`);
    }
    this.decisions.forEach((decision, place) => {
      const value = point[place];
      if ((value !== null) !== isActive(this.decisions, place, point)) {
        throw new Refusal(`\`${decision.name}\` is ${value}, which its conditions do not allow`);
      }
      if (value !== null && !holds(decision.domain, value)) {
        throw new Refusal(`\`${decision.name}\` is ${value}, which it cannot be`);
      }
    });
  }

  /** A point with these values as far as they go: active decisions without one are drawn. */
  #completed(values, rng) {
    const point = [];
    this.decisions.forEach((decision, place) => {
      const active = isActive(this.decisions, place, point);
      let value = active ? (values[place] ?? null) : null;
      if (value === null && active) {
        const { domain } = decision;
        const isReal = domain.kind === "real";
        value = isReal ? domain.low + (domain.high - domain.low) * rng.uniform() : rng.choose(valuesOf(domain));
      }
      point.push(value);
    });
    return point;
  }

  #others(place, value) {
    return value === null ? [] : valuesOf(this.decisions[place].domain).filter((one) => one !== value);
  }
}

/** Random points of a space with these decisions, for tests of search spaces. */
export function points(decisions, count, seed = 0n) {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => new ToySpace(decisions).sample(rng.nextU64()));
}

/** A plugin at work on a space: an accuracy to maximize, these options; more of the setup as it is wanted. */
export function open(plugin, space, { seed = 0n, options = {}, ...more } = {}) {
  const setup = {
    decisions: space.decisions,
    objectives: [{ name: "accuracy", goal: "maximize" }],
    seed,
    offers: [],
    maxQueries: null,
    fullEpochs: 20,
    epochSteps: 10,
    ...more,
  };
  return new plugin(setup, optionsOf(plugin, options), space);
}

/** The outcome of a training with these values of the one objective after each epoch. */
export function trained(values, cost = 1) {
  const curve = values.map((value, index) => ({ epoch: index + 1, trainLoss: 1 - value, objectives: [value] }));
  return { failure: null, curve, weights: null, objectives: [], gradient: [], cost };
}

/**
 * Drives a strategy for `queries` queries, `inFlight` at a time, told in order. `value` says how good an architecture is;
 * `null` fails the query. Gives `{ query, value }` for each. A strategy that breaks the contract fails an assertion.
 */
export function run(strategy, { queries, inFlight = 1, value }) {
  const history = [];
  const ids = new Set();
  let told = 0;
  while (told < queries) {
    const capacity = Math.min(inFlight - (history.length - told), queries - history.length);
    if (capacity > 0) {
      const reply = strategy.ask(capacity);
      if (reply === FINISHED) {
        if (told === history.length) break;
      } else if (reply === WAITING) {
        assert.ok(told < history.length, "it waits for nothing");
      } else {
        assert.ok(reply.length >= 1 && reply.length <= capacity, `it asked for ${reply.length} of ${capacity}`);
        for (const query of reply) {
          assert.ok(!ids.has(query.id), `query ${query.id} was asked twice`);
          ids.add(query.id);
          history.push({ query, value: value(query.subject) });
        }
      }
    }
    if (told < history.length) {
      const { query, value: known } = history[told];
      const estimate = { objectives: [known], cost: 1, fidelity: 1, uncertainty: null, gradient: null, curve: null };
      const failure = known === null ? "as the test wants" : null;
      strategy.tell([{ query: query.id, estimate: known === null ? null : estimate, failure }]);
      told += 1;
    }
  }
  return history;
}

/** Asserts what the host checks of every network: names, order and inputs. Shapes it checks itself. */
export function checkNetwork({ nodes }) {
  assert.equal(new Set(nodes.map(({ name }) => name)).size, nodes.length, "names of nodes are unique");
  assert.equal(nodes[0].op, "input", "the first node is the input");
  nodes.forEach(({ name, op, inputs }, place) => {
    assert.ok(inputs.every((one) => one >= 0 && one < place), `the inputs of ${name} come before it`);
    assert.ok(op === "input" || inputs.length > 0, `${name} takes something`);
  });
}
