/**
 * The plugin's side of the contract: values as bindings have them, and as plugins do. Only what runs inside of a component
 * imports it. `declared` holds the name, version and description of the plugin's manifest; `host` the contract's imports.
 */

import {
  Estimator,
  FINISHED,
  Internal,
  InvalidOptions,
  Refusal,
  Relaxation,
  SearchSpace,
  Strategy,
  Unsupported,
  WAITING,
  logTo,
  optionsOf,
  schemaOf,
} from "./archwright.js";

const U32 = 2 ** 32 - 1;
const U64 = 2n ** 64n - 1n;

/** A value that is wrong, for a message: `1n, a bigint`, `"1", a string`. */
function typed(value) {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "bigint") return `${value}n, a bigint`;
  if (typeof value === "string") return `${JSON.stringify(value)}, a string`;
  if (typeof value === "number" || typeof value === "boolean") return `${value}, a ${typeof value}`;
  const name = value.constructor?.name || typeof value;
  return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name}`;
}

// Numbers are checked here, where the message can say what they are.

function u32(value, what) {
  if (typeof value !== "number") throw new TypeError(`${what} is ${typed(value)}: give a number`);
  if (!Number.isInteger(value) || value < 0 || value > U32) {
    throw new RangeError(`${what} is ${value}, not a whole number from 0 to ${U32}`);
  }
  return value;
}

function u64(value, what) {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`${what} is ${typed(value)}: give a number or a bigint`);
  }
  const whole = typeof value === "bigint" || Number.isInteger(value) ? BigInt(value) : -1n;
  if (whole < 0n || whole > U64) throw new RangeError(`${what} is ${value}, not a whole number from 0 to 2^64 - 1`);
  return whole;
}

function integer(value, what) {
  if (typeof value !== "bigint" && !Number.isInteger(value)) {
    throw new TypeError(`${what} is ${typed(value)}: give a whole number`);
  }
  return BigInt(value);
}

function real(value, what) {
  if (typeof value !== "number") throw new TypeError(`${what} is ${typed(value)}: give a number`);
  return value;
}

/** A BigInt of the contract as a Number, where that holds it exactly. */
function whole(value) {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

const given = (value, make) => (value === null || value === undefined ? undefined : make(value));
const numbers = (list) => (list === null || list.length === 0 ? undefined : Array.from(list));

// Architectures.

function toAttribute([name, value]) {
  const made = (tag, val) => ({ name, value: { tag, val } });
  if (typeof value === "boolean") return made("boolean", value);
  if (typeof value === "bigint") return made("integer", value);
  if (typeof value === "string") return made("text", value);
  if (typeof value === "number") return Number.isInteger(value) ? made("integer", BigInt(value)) : made("real", value);
  if (value.every(Number.isInteger)) return made("integers", value.map(BigInt));
  return made("reals", value);
}

function fromAttribute({ name, value: { tag, val } }) {
  if (tag === "integer") return [name, whole(val)];
  if (tag === "integers") return [name, Array.from(val, whole)];
  return [name, tag === "reals" ? Array.from(val) : val];
}

function toNetwork(network) {
  const node = ({ name, op, attributes = {}, inputs = [] }) => ({
    name,
    op,
    attributes: Object.entries(attributes).map(toAttribute),
    inputs: inputs.map((input) => u32(input, `an input of \`${name}\``)),
  });
  return { nodes: network.nodes.map(node) };
}

function fromNetwork(network) {
  const node = ({ name, op, attributes, inputs }) => ({
    name,
    op,
    attributes: Object.fromEntries(attributes.map(fromAttribute)),
    inputs: Array.from(inputs),
  });
  return { nodes: network.nodes.map(node) };
}

const TO_VALUE = {
  categorical: (value, what) => ({ tag: "index", val: u32(value, what) }),
  ordinal: (value, what) => ({ tag: "index", val: u32(value, what) }),
  integer: (value, what) => ({ tag: "integer", val: integer(value, what) }),
  real: (value, what) => ({ tag: "real", val: real(value, what) }),
};

/** Values of decisions, one way and the other. */
class Points {
  constructor(decisions) {
    this.to = decisions.map(({ domain }) => TO_VALUE[domain.kind]);
    // All integers of a decision are of one type.
    this.wide = decisions.map(({ domain: { low, high } }) => typeof low === "bigint" || typeof high === "bigint");
  }

  toValues(point, path) {
    if (point.length !== this.to.length) {
      throw new RangeError(`${path} has ${point.length} values; the space has ${this.to.length} decisions`);
    }
    return point.map((value, index) =>
      value === null ? { tag: "inactive" } : this.to[index](value, `${path}[${index}]`),
    );
  }

  fromValues(values) {
    return values.map(({ tag, val }, index) => {
      if (tag === "inactive") return null;
      return tag === "integer" && !this.wide[index] ? Number(val) : val;
    });
  }

  toArchitecture(architecture, path = "the architecture") {
    if (Array.isArray(architecture)) return { tag: "point", val: this.toValues(architecture, path) };
    if (!Array.isArray(architecture?.nodes)) {
      throw new TypeError(`${path} is ${typed(architecture)}: give a point, which is an array, or a network`);
    }
    return { tag: "network", val: toNetwork(architecture) };
  }

  fromArchitecture({ tag, val }) {
    return tag === "point" ? this.fromValues(val) : fromNetwork(val);
  }

  toSubject(subject, path = "the subject") {
    if (subject instanceof Relaxation) return { tag: "relaxation", val: toRelaxation(subject) };
    return { tag: "architecture", val: this.toArchitecture(subject, path) };
  }

  fromSubject({ tag, val }) {
    if (tag === "architecture") return this.fromArchitecture(val);
    return new Relaxation(Array.from(val.probabilities), val.wanted ?? null);
  }
}

function toRelaxation({ probabilities, wanted }) {
  return { probabilities, wanted: wanted ?? undefined };
}

// Decisions.

function fromDecision({ name, domain: { tag, val }, activeWhen }) {
  let domain;
  if (tag === "categorical") domain = { kind: tag, labels: val };
  else if (tag === "ordinal") domain = { kind: tag, numbers: Array.from(val) };
  else if (tag === "integer") domain = { kind: tag, low: whole(val.low), high: whole(val.high), logScale: val.logScale };
  else domain = { kind: tag, low: val.low, high: val.high, logScale: val.logScale };
  const conditions = activeWhen.map(({ decision, anyOf }) => ({ decision, anyOf: Array.from(anyOf) }));
  return { name, domain, activeWhen: conditions };
}

function toDecision({ name, domain, activeWhen = [] }) {
  const { kind, low, high, logScale } = domain;
  const val = {
    categorical: () => domain.labels,
    ordinal: () => domain.numbers,
    integer: () => ({ low: BigInt(low), high: BigInt(high), logScale }),
    real: () => ({ low, high, logScale }),
  }[kind]();
  const conditions = activeWhen.map(({ decision, anyOf }) => ({
    decision: u32(decision, "the decision of a condition"),
    anyOf: anyOf.map((value) => u32(value, "a condition's value")),
  }));
  return { name, domain: { tag: kind, val }, activeWhen: conditions };
}

// The space, answered by the host.

const REFUSALS = { "invalid-options": InvalidOptions, unsupported: Unsupported, internal: Internal, other: Refusal };

/** The host's answer; where it refuses, that is a refusal of the plugin's, unless the plugin takes it. */
function asked(question) {
  try {
    return question();
  } catch (error) {
    if (error?.payload?.tag in REFUSALS) throw new REFUSALS[error.payload.tag](error.payload.val);
    throw error;
  }
}

/** Pure questions about the space: the same arguments give the same answer. */
class Space {
  #host;
  #points;

  constructor(host, points) {
    this.#host = host;
    this.#points = points;
  }

  /** A random architecture: every active decision drawn uniformly. */
  sample(seed) {
    return this.#points.fromArchitecture(this.#host.sample(u64(seed, "a seed")));
  }

  /** The parent with another value for one active decision. */
  mutate(parent, seed) {
    const out = this.#points.toArchitecture(parent);
    return this.#points.fromArchitecture(asked(() => this.#host.mutate(out, u64(seed, "a seed"))));
  }

  /** Each decision from one parent or the other. */
  crossover(left, right, seed) {
    const [one, other] = [left, right].map((parent) => this.#points.toArchitecture(parent));
    return this.#points.fromArchitecture(asked(() => this.#host.crossover(one, other, u64(seed, "a seed"))));
  }

  /** The architectures one decision away, in a fixed order, at most `limit`. */
  neighbors(of, limit) {
    const out = this.#points.toArchitecture(of);
    const answer = asked(() => this.#host.neighbors(out, u32(limit, "the limit")));
    return answer.map((one) => this.#points.fromArchitecture(one));
  }

  /** The same text for two architectures exactly when their networks are isomorphic. */
  fingerprint(of) {
    return asked(() => this.#host.fingerprint(this.#points.toArchitecture(of)));
  }

  /** Numbers of fixed length; `encoding` is "one-hot", "adjacency" or "path". */
  encode(of, encoding = "one-hot") {
    return Array.from(asked(() => this.#host.encode(this.#points.toArchitecture(of), encoding)));
  }

  /** The network that an architecture stands for. */
  build(of) {
    return fromNetwork(asked(() => this.#host.build(this.#points.toArchitecture(of))));
  }

  /** Whether an architecture belongs to the space and is within the sizes that the experiment allows. */
  admits(of) {
    return this.#host.admits(this.#points.toArchitecture(of));
  }

  /** Size and work of an architecture's network. */
  profile(of) {
    const { parameters, multiplyAdds, depth, activationBytes } = asked(() =>
      this.#host.profile(this.#points.toArchitecture(of)),
    );
    return {
      parameters: whole(parameters),
      multiplyAdds: whole(multiplyAdds),
      depth,
      activationBytes: whole(activationBytes),
    };
  }
}

// What a component has not.

function furnish(log) {
  logTo(log);
  const print =
    (level) =>
    (...parts) =>
      log(level, parts.map(String).join(" "));
  Object.assign(console, {
    debug: print("debug"),
    log: print("info"),
    info: print("info"),
    warn: print("warn"),
    error: print("error"),
  });
  const none = (what) => () => {
    throw new Error(`a plugin has no ${what}: what it does follows from its calls and its seed alone`);
  };
  Math.random = none("`Math.random`, but `Rng`");
  globalThis.Date = new Proxy(Date, { construct: none("clock"), apply: none("clock"), get: none("clock") });
  for (const [name, what] of Object.entries({ performance: "clock", crypto: "randomness but its seed" })) {
    Object.defineProperty(globalThis, name, { get: none(what) });
  }
  for (const name of ["setTimeout", "setInterval"]) globalThis[name] = none("timers");
  globalThis.fetch = none("network");
}

/** Places at either end of a long stack that are named. */
const SHOWN = 5;

/** Where an exception comes from, the innermost place first: `at plugin.js:12 in ask`. */
function places(error) {
  const lines = String(error.stack ?? "").split("\n");
  const found = lines.map((line) => /^(.*)@(?:.*\/)?([^/]+\.js):(\d+):\d+$/.exec(line.trim())).filter(Boolean);
  const own = found.filter(([, , file]) => file !== "archwright-component.js" && file !== "initializer.js");
  const named = own.map(([, name, file, line]) => `${file}:${line}${name ? ` in ${name}` : ""}`);
  // A recursion without an end is told by its ends.
  const more = named.length - 2 * SHOWN;
  if (more > 1) named.splice(SHOWN, more, `... ${more} more ...`);
  return named.length > 0 ? `at ${named.join(", from ")}` : "in what it gave";
}

/** Logs an exception that nobody expected, with its place; gives it. It ends the component. */
function mistake(log, error) {
  log("error", `${error?.name ?? "Error"}: ${error?.message ?? error} (${places(error)})`);
  return error instanceof Error ? error : new Error(String(error));
}

/** Gives the host refusals as such. Any other exception is a mistake in the plugin. */
function guarded(log, call) {
  try {
    return call();
  } catch (error) {
    if (error instanceof Refusal) throw { tag: error.kind, val: error.message };
    throw mistake(log, error);
  }
}

/** For calls that cannot be refused: every exception is a mistake. */
function infallible(log, call) {
  try {
    return call();
  } catch (error) {
    throw mistake(log, error);
  }
}

function described(plugin, kind, { name, version, summary }) {
  if (!(plugin?.prototype instanceof kind)) {
    throw new TypeError(`the default export of \`plugin.js\` is no ${kind.name}, which \`plugin.toml\` says it is`);
  }
  const { references, needs, gives } = plugin;
  const optionsSchema = JSON.stringify(schemaOf(plugin));
  return { name, version, summary: plugin.summary || summary, optionsSchema, references, needs, gives };
}

/** What the setups of strategies and estimators share, and the space. */
function opened(plugin, setup, host) {
  const options = optionsOf(plugin, JSON.parse(setup.options));
  const decisions = setup.decisions.map(fromDecision);
  const points = new Points(decisions);
  const { objectives, seed, offers } = setup;
  return { options, points, space: new Space(host.space, points), shared: { decisions, objectives, seed, offers } };
}

export function strategyInterface(plugin, declared, host) {
  furnish(host.log);
  const guard = (call) => guarded(host.log, call);

  class Search {
    static open(setup) {
      return guard(() => {
        const { options, points, space, shared } = opened(plugin, setup, host);
        const search = new Search();
        search.points = points;
        search.plugin = new plugin({ ...shared, maxQueries: given(setup.maxQueries, whole) ?? null }, options, space);
        return search;
      });
    }

    ask(capacity) {
      return guard(() => {
        const reply = this.plugin.ask(capacity);
        if (reply === WAITING) return { tag: "waiting" };
        if (reply === FINISHED) return { tag: "finished" };
        if (!Array.isArray(reply)) {
          throw new TypeError(`\`ask\` has to give an array of queries, WAITING or FINISHED, not ${typed(reply)}`);
        }
        return { tag: "queries", val: reply.map((query, index) => this.#query(query, `queries[${index}]`)) };
      });
    }

    tell(observations) {
      guard(() => this.plugin.tell(observations.map(fromObservation)));
    }

    recommend() {
      return guard(() => this.#recommended(this.plugin.recommend()));
    }

    #recommended(architectures) {
      return architectures.map((one, index) => this.points.toArchitecture(one, `architectures[${index}]`));
    }

    #query(query, path) {
      if (typeof query !== "object" || query === null) throw new TypeError(`${path} is ${typed(query)}: give a query`);
      const { id, subject, fidelity, parent, purpose } = query;
      return {
        id: u64(id, `${path}.id`),
        subject: this.points.toSubject(subject, `${path}.subject`),
        fidelity: real(fidelity, `${path}.fidelity`),
        parent: given(parent, (parent) => u64(parent, `${path}.parent`)),
        purpose,
      };
    }
  }

  return { describe: () => infallible(host.log, () => described(plugin, Strategy, declared)), Search };
}

function fromObservation({ query, outcome: { tag, val } }) {
  if (tag === "failed") return { query: whole(query), estimate: null, failure: val };
  const { objectives, uncertainty, gradient, cost, fidelity, curve } = val;
  const list = (numbers) => (numbers === undefined ? null : Array.from(numbers));
  const estimate = {
    objectives: list(objectives),
    uncertainty: list(uncertainty),
    gradient: list(gradient),
    cost,
    fidelity,
    curve: curve ?? null,
  };
  return { query: whole(query), estimate, failure: null };
}

export function estimatorInterface(plugin, declared, host) {
  furnish(host.log);
  const guard = (call) => guarded(host.log, call);

  class Estimation {
    static open(setup) {
      return guard(() => {
        const { options, points, space, shared } = opened(plugin, setup, host);
        const estimation = new Estimation();
        estimation.points = points;
        const { fullEpochs, epochSteps } = setup;
        estimation.plugin = new plugin({ ...shared, fullEpochs, epochSteps }, options, space);
        return estimation;
      });
    }

    begin(job, { id, subject, fidelity, parent, purpose }) {
      return guard(() => {
        const query = {
          id: whole(id),
          subject: this.points.fromSubject(subject),
          fidelity,
          parent: given(parent, whole) ?? null,
          purpose,
        };
        return toStep(this.plugin.begin(whole(job), query), this.points, host.actions);
      });
    }

    advance(job, outcome) {
      return guard(() => {
        const epoch = ({ epoch, trainLoss, objectives }) => ({ epoch, trainLoss, objectives: Array.from(objectives) });
        const known = {
          failure: outcome.failure() ?? null,
          curve: (outcome.curve() ?? []).map(epoch),
          weights: outcome.weights() ?? null,
          objectives: Array.from(outcome.objectives() ?? []),
          gradient: Array.from(outcome.gradient() ?? []),
          cost: outcome.cost(),
        };
        return toStep(this.plugin.advance(whole(job), known), this.points, host.actions);
      });
    }
  }

  return { describe: () => infallible(host.log, () => described(plugin, Estimator, declared)), Estimation };
}

function toStep(step, points, actions) {
  if (step?.act === "done") {
    const { objectives, uncertainty, gradient, cost, fidelity, curve } = step;
    const lists = { objectives: Array.from(objectives), uncertainty: numbers(uncertainty), gradient: numbers(gradient) };
    return { tag: "done", val: { ...lists, cost, fidelity, curve: numbers(curve) } };
  }
  if (step?.act === "failed") return { tag: "failed", val: step.reason };
  const make = ACTIONS[step?.act];
  if (make === undefined) throw new TypeError(`a step is an action, \`done(...)\` or \`failed(...)\`, not ${typed(step)}`);
  return { tag: "act", val: asked(() => make(actions, points, step)) };
}

const toStart = ({ tag, val }) => ({ tag, val: tag === "fresh" ? u64(val, "a seed") : val });

function toPaths(paths, points) {
  if (paths.uniform !== undefined) return { tag: "uniform", val: u32(paths.uniform, "the number of paths") };
  if (paths.given !== undefined) return { tag: "given", val: paths.given.map((one) => points.toSubject(one)) };
  return { tag: "mixture", val: paths.mixture };
}

const ACTIONS = {
  train: (actions, points, { subject, start, untilEpoch, dataShare, resolutionShare, widthShare, depthShare }) =>
    actions.train({
      subject: points.toArchitecture(subject),
      start: toStart(start),
      untilEpoch: u32(untilEpoch, "`untilEpoch`"),
      dataShare,
      resolutionShare,
      widthShare,
      depthShare,
    }),
  trainShared: (actions, points, { start, steps, epochs, paths }) =>
    actions.trainShared({
      start: toStart(start),
      steps: u32(steps, "`steps`"),
      epochs: u32(epochs, "`epochs`"),
      paths: toPaths(paths, points),
    }),
  evaluateShared: (actions, points, { weights, subject, calibration, batch }) =>
    actions.evaluateShared({
      weights,
      subject: points.toArchitecture(subject),
      calibration: u32(calibration, "`calibration`"),
      batch: given(batch, (batch) => u64(batch, "`batch`")),
    }),
  differentiateShared: (actions, _, { weights, relaxation, batch, unrolled, epochs }) =>
    actions.differentiateShared({
      weights,
      relaxation: toRelaxation(relaxation),
      batch: u64(batch, "`batch`"),
      unrolled,
      epochs: u32(epochs, "`epochs`"),
    }),
  lookUp: (actions, points, { subject, untilEpoch, trainedEpochs, training, curve }) =>
    actions.lookUp({
      subject: points.toArchitecture(subject),
      untilEpoch: u32(untilEpoch, "`untilEpoch`"),
      trainedEpochs: u32(trainedEpochs, "`trainedEpochs`"),
      training: given(training, (training) => u64(training, "`training`")),
      curve,
    }),
};

export function searchSpaceInterface(plugin, declared, host) {
  furnish(host.log);
  const guard = (call) => guarded(host.log, call);

  class Definition {
    static open(options) {
      return guard(() => {
        const definition = new Definition();
        definition.plugin = new plugin(optionsOf(plugin, JSON.parse(options)));
        definition.points = new Points(definition.plugin.decisions());
        return definition;
      });
    }

    decisions() {
      return infallible(host.log, () => this.plugin.decisions().map(toDecision));
    }

    build(values, { input, classes, widthShare, depthShare }) {
      return guard(() => {
        const context = { input: Array.from(input), classes, widthShare, depthShare };
        return toNetwork(this.plugin.build(this.points.fromValues(values), context));
      });
    }

    recipe(values) {
      return guard(() => Object.entries(this.plugin.recipe(this.points.fromValues(values))).map(toAttribute));
    }
  }

  return { describe: () => infallible(host.log, () => described(plugin, SearchSpace, declared)), Definition };
}
