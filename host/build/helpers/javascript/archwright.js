/**
 * What a plugin written in JavaScript is made of: one class, and what it needs.
 *
 * A search strategy is a class that extends `Strategy`, an estimator `Estimator`, a search space `SearchSpace`; it is the
 * default export of `plugin.js`. `archwright plugin build` makes a component of it. Its logic is tested with
 * `archwright-testing.js`, without a host.
 *
 * An architecture is a *point*, an array with one value for each decision of the space: the index of a label or number
 * for a categorical or ordinal decision, the number itself for an integer or real one, and `null` where the conditions of
 * the decision do not hold. Spaces without decisions have networks instead, `{ nodes: [...] }`.
 *
 * Seeds are BigInts. Other whole numbers (ids, epochs, counts) are Numbers where these hold them exactly, up to 2^53, and
 * BigInts beyond.
 */

// Refusals: a plugin's own errors, whose text is shown to the person who runs the search.

/** A plugin's own error. Any other exception is a mistake in the plugin. */
export class Refusal extends Error {
  kind = "other";
}

/** An option is out of range: name it and say what is accepted. */
export class InvalidOptions extends Refusal {
  kind = "invalid-options";
}

/** The plugin cannot work with this space, estimator or objective: say what it needs. */
export class Unsupported extends Refusal {
  kind = "unsupported";
}

/** A broken invariant inside the plugin. */
export class Internal extends Refusal {
  kind = "internal";
}

const LEVELS = ["debug", "info", "warn", "error"];
let write = (level, message) => console.error(`${level}: ${message}`);

/** A line for the run's log; `level` is "debug", "info", "warn" or "error". */
export function log(level, message) {
  if (!LEVELS.includes(level)) {
    throw new TypeError(`the level of a log line is one of ${LEVELS.join(", ")}, not ${level}`);
  }
  write(level, String(message));
}

/** Has lines go to the host; without one they are printed. */
export function logTo(host) {
  write = host;
}

// Plugins. Name and version are those of `plugin.toml`.

class Plugin {
  /** One line for a listing; by default the description of `plugin.toml`. */
  static summary = "";
  /** Papers and code that the method comes from, e.g. "arXiv:1802.01548". */
  static references = [];
  /** Names of what it cannot do without, e.g. "gradients". */
  static needs = [];
  /** Names of what it gives, e.g. "fidelity". */
  static gives = [];
  /** Its options, each made with `option`. */
  static options = {};
}

/**
 * A search strategy: decides which architectures to look at next.
 *
 * The host asks for queries, has them estimated, and tells what came of them. A strategy has neither a clock nor
 * randomness but `setup.seed`: the same calls give the same answers. Its constructor takes the setup
 * `{ decisions, objectives, seed, maxQueries, offers }`, its options, and the space, which answers questions.
 */
export class Strategy extends Plugin {
  /** From 1 to `capacity` queries in an array (see `query`), or `WAITING`, or `FINISHED`. */
  ask(capacity) {
    throw new Error("`ask` is not written yet");
  }

  /**
   * Takes observations `{ query, estimate, failure }` of queries asked before, each told once. `estimate` is `null` where
   * the query failed, `failure` the reason.
   */
  tell(observations) {
    throw new Error("`tell` is not written yet");
  }

  /** The architectures it would pick now, best first. Empty: the best observed. */
  recommend() {
    return [];
  }
}

/** Nothing to ask until more observations come. Only while queries are in flight. */
export const WAITING = Symbol("waiting");
/** The search is over. */
export const FINISHED = Symbol("finished");

/**
 * A query for an architecture or a relaxation. `fidelity` is the share of a full training to spend, above 0 and at most
 * 1; `parent` the id of the earlier query that this one descends from; `purpose` is "estimate", "probe" or "train".
 */
export function query(id, subject, { fidelity = 1, parent = null, purpose = "estimate" } = {}) {
  return { id, subject, fidelity, parent, purpose };
}

/** A point between architectures: a row of probabilities for each categorical decision, one after another. */
export class Relaxation {
  constructor(probabilities, wanted = null) {
    this.probabilities = probabilities;
    this.wanted = wanted;
  }
}

/**
 * A performance estimation strategy: decides how to find out how good an architecture is.
 *
 * It never trains anything itself. A step is an action (`train` or another) that the host carries out, an estimate
 * (`done`), or `failed`. Its constructor takes the setup `{ decisions, objectives, seed, fullEpochs, offers, epochSteps }`,
 * its options, and the space.
 */
export class Estimator extends Plugin {
  /** The first step of a job. Many jobs are open at once. */
  begin(job, query) {
    throw new Error("`begin` is not written yet");
  }

  /**
   * The step after the outcome `{ failure, curve, weights, objectives, gradient, cost }` of the action that the job asked
   * for last. `curve` is an array of `{ epoch, trainLoss, objectives }`; what does not apply is `null` or empty.
   */
  advance(job, outcome) {
    throw new Error("`advance` is not written yet");
  }
}

// Weights to start a training from.

/** New weights, from a seed. */
export const fresh = (seed) => ({ tag: "fresh", val: seed });
/** The weights that an earlier outcome names. */
export const resume = (weights) => ({ tag: "resume", val: weights });
/** The weights of another network, as far as they fit. */
export const inherit = (weights) => ({ tag: "inherit", val: weights });

// Steps of an estimator.

/** Trains an architecture until it has seen `untilEpoch` epochs. All shares are above 0 and at most 1. */
export function train(subject, { start, untilEpoch, dataShare = 1, resolutionShare = 1, widthShare = 1, depthShare = 1 }) {
  return { act: "train", subject, start, untilEpoch, dataShare, resolutionShare, widthShare, depthShare };
}

/**
 * Trains the weights that all architectures share. What learns, `paths`, is `{ uniform: count }`, the mean of so many
 * random architectures; `{ given: subjects }`, one of these in turn; or `{ mixture: rate }`, the mixture of all labels,
 * each left out with this probability.
 */
export function trainShared({ start, steps, epochs, paths }) {
  return { act: "trainShared", start, steps, epochs, paths };
}

/** Evaluates an architecture with shared weights: on all validation examples, or one numbered batch of them. */
export function evaluateShared(weights, subject, { calibration = 0, batch = null } = {}) {
  return { act: "evaluateShared", weights, subject, calibration, batch };
}

/** The loss of a relaxation with shared weights on one validation batch, and its derivative by each probability. */
export function differentiateShared(weights, relaxation, { batch, unrolled = false, epochs }) {
  return { act: "differentiateShared", weights, relaxation, batch, unrolled, epochs };
}

/** Looks an architecture up in the task's table of measurements. */
export function lookUp(subject, { untilEpoch, trainedEpochs = 0, training = null, curve = false }) {
  return { act: "lookUp", subject, untilEpoch, trainedEpochs, training, curve };
}

/**
 * An estimate: one finite value for each objective; the cost in seconds; the share of a full training that was spent;
 * standard deviations where they are known; a curve of `{ fidelity, value }` where there is one.
 */
export function done(objectives, { cost, fidelity = 1, uncertainty = null, gradient = null, curve = null }) {
  return { act: "done", objectives, cost, fidelity, uncertainty, gradient, curve };
}

/** There is no estimate: the reason. */
export function failed(reason) {
  return { act: "failed", reason };
}

/** A search space written as a program. Its constructor takes its options. */
export class SearchSpace extends Plugin {
  /** An array of decisions (see `decision`), the same on every call. */
  decisions() {
    throw new Error("`decisions` is not written yet");
  }

  /**
   * The network of a point for a context `{ input, classes, widthShare, depthShare }`: `{ nodes }`, each of them
   * `{ name, op, attributes, inputs }`. Its first node is an "input", its last gives the scores.
   */
  build(point, context) {
    throw new Error("`build` is not written yet");
  }

  /** Training hyperparameters that the point decides, by their names in the recipe. */
  recipe(point) {
    return {};
  }
}

// Decisions.

/** Unordered labels, e.g. operations. */
export const categorical = (labels) => ({ kind: "categorical", labels });
/** Ordered numbers, strictly increasing, e.g. channel counts. */
export const ordinal = (numbers) => ({ kind: "ordinal", numbers });
/** Integers, both ends included. On a log scale ratios say how far two values are apart; it needs `low > 0`. */
export const integers = (low, high, { logScale = false } = {}) => ({ kind: "integer", low, high, logScale });
/** Reals, both ends included. */
export const reals = (low, high, { logScale = false } = {}) => ({ kind: "real", low, high, logScale });

/**
 * One point of variation. It exists only where every condition `{ decision, anyOf }` of `activeWhen` holds: the earlier
 * decision of this number is active and has one of these values (indices, or offsets from `low` of integers).
 */
export function decision(name, domain, activeWhen = []) {
  return { name, domain, activeWhen };
}

/**
 * Whether the conditions of the decision at `index` hold, given the values of all earlier ones. `point` may end before the
 * decision: a strategy that makes a point value by value asks this before each.
 */
export function isActive(decisions, index, point) {
  return decisions[index]?.activeWhen.every((condition) => holds(decisions, condition, point)) ?? false;
}

function holds(decisions, { decision, anyOf }, point) {
  const domain = decisions[decision]?.domain;
  const value = point[decision] ?? null;
  if (domain === undefined || value === null || domain.kind === "real") return false;
  if (domain.kind !== "integer") return anyOf.includes(value);
  // Integers of a wide range are BigInts; conditions count in Numbers.
  return anyOf.includes(typeof value === "bigint" ? Number(value - BigInt(domain.low)) : value - Number(domain.low));
}

// Options: declared once, with defaults, ranges and what they mean. `archwright plugin inspect` shows them, and the host
// checks what a person gives against them. Without a default an option has to be given.

function declared(schema, value, doc) {
  return { ...(doc ? { description: doc } : {}), ...schema, ...(value === undefined ? {} : { default: value }) };
}

function range(bounds) {
  return Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound !== undefined));
}

export const option = {
  /** A whole number. */
  integer: (value, { minimum, maximum, doc } = {}) => declared({ type: "integer", ...range({ minimum, maximum }) }, value, doc),
  /** A number. `minimum` and `maximum` are accepted themselves, `above` and `below` are not. */
  real: (value, { minimum, maximum, above, below, doc } = {}) =>
    declared(
      { type: "number", ...range({ minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below }) },
      value,
      doc,
    ),
  /** True or false. */
  flag: (value, { doc } = {}) => declared({ type: "boolean" }, value, doc),
  /** Any text. */
  text: (value, { doc } = {}) => declared({ type: "string" }, value, doc),
  /** One of these texts. */
  choice: (value, among, { doc } = {}) => declared({ type: "string", enum: among }, value, doc),
};

const BOUNDS = {
  minimum: ["at least", (value, bound) => value >= bound],
  maximum: ["at most", (value, bound) => value <= bound],
  exclusiveMinimum: ["above", (value, bound) => value > bound],
  exclusiveMaximum: ["below", (value, bound) => value < bound],
};

/** What the value should be, where it is something else. */
function problem(schema, value) {
  switch (schema.type) {
    case "boolean":
      return typeof value === "boolean" ? null : "true or false";
    case "string":
      if (schema.enum && !schema.enum.includes(value)) {
        return `one of ${schema.enum.map((one) => JSON.stringify(one)).join(", ")}`;
      }
      return typeof value === "string" ? null : "a text";
    case "integer":
      if (!Number.isInteger(value)) return "a whole number";
      break;
    default:
      if (typeof value !== "number") return "a number";
  }
  const bounds = Object.keys(BOUNDS).filter((bound) => bound in schema);
  if (bounds.every((bound) => BOUNDS[bound][1](value, schema[bound]))) return null;
  return bounds.map((bound) => `${BOUNDS[bound][0]} ${schema[bound]}`).join(" and ");
}

/** The options of a plugin's class: those given, checked, and defaults for the others. */
export function optionsOf(plugin, given = {}) {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(plugin.options, name));
  if (unknown !== undefined) {
    const names = Object.keys(plugin.options).join(", ");
    throw new InvalidOptions(`there is no option \`${unknown}\`; there are ${names || "none"}`);
  }
  const options = {};
  for (const [name, schema] of Object.entries(plugin.options)) {
    const value = Object.hasOwn(given, name) ? given[name] : schema.default;
    if (value === undefined) throw new InvalidOptions(`the option \`${name}\` is missing`);
    const wrong = problem(schema, value);
    if (wrong) throw new InvalidOptions(`\`${name}\` is ${JSON.stringify(value)}, not ${wrong}`);
    options[name] = value;
  }
  return options;
}

/** The JSON Schema of the options of a plugin's class. */
export function schemaOf(plugin) {
  const required = Object.keys(plugin.options).filter((name) => plugin.options[name].default === undefined);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Options",
    type: "object",
    properties: plugin.options,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

// Random numbers.

const rotated = (word, bits) => (word << bits) | (word >>> (32 - bits));

function quarterRound(words, a, b, c, d) {
  words[a] += words[b];
  words[d] = rotated(words[d] ^ words[a], 16);
  words[c] += words[d];
  words[b] = rotated(words[b] ^ words[c], 12);
  words[a] += words[b];
  words[d] = rotated(words[d] ^ words[a], 8);
  words[c] += words[d];
  words[b] = rotated(words[b] ^ words[c], 7);
}

/** The words of a key of 256 bits from a seed of 64: PCG32, as `SeedableRng::seed_from_u64` of Rust's rand_core. */
function key(seed) {
  const words = [];
  for (let word = 0; word < 8; word += 1) {
    seed = BigInt.asUintN(64, seed * 6364136223846793005n + 11634580027462260723n);
    const bits = Number(BigInt.asUintN(32, ((seed >> 18n) ^ seed) >> 27n));
    const turn = Number(seed >> 59n);
    words.push((bits >>> turn) | (bits << (-turn & 31)));
  }
  return words;
}

/**
 * A random generator whose values never change: ChaCha with 8 rounds, the same values as the Rust SDK's and the Python
 * module's `Rng`. A plugin has no `Math.random`.
 */
export class Rng {
  #first = new Uint32Array(16);
  #words = new Uint32Array(16);
  #next = 16;
  // The two halves of the value drawn last: BigInts are slow.
  #high = 0;
  #low = 0;

  /** The generator of a seed, a BigInt or a whole number from 0 to 2^64 - 1. */
  constructor(seed) {
    const bits = BigInt(seed);
    if (bits !== BigInt.asUintN(64, bits)) throw new RangeError(`a seed is from 0 to 2^64 - 1, not ${seed}`);
    // "expand 32-byte k"
    this.#first.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
    this.#first.set(key(bits), 4);
  }

  #draw() {
    const words = this.#words;
    if (this.#next === 16) {
      const first = this.#first;
      words.set(first);
      for (let round = 0; round < 8; round += 2) {
        for (let column = 0; column < 4; column += 1) {
          quarterRound(words, column, 4 + column, 8 + column, 12 + column);
        }
        for (let column = 0; column < 4; column += 1) {
          quarterRound(words, column, 4 + ((column + 1) % 4), 8 + ((column + 2) % 4), 12 + ((column + 3) % 4));
        }
      }
      for (let word = 0; word < 16; word += 1) words[word] += first[word];
      first[12] += 1;
      if (first[12] === 0) first[13] += 1;
      this.#next = 0;
    }
    this.#low = words[this.#next];
    this.#high = words[this.#next + 1];
    this.#next += 2;
  }

  /** Any 64 bits as a BigInt, a seed for something else, say. */
  nextU64() {
    this.#draw();
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** Uniform from 0 to `bound - 1`; 0 for a bound of 0. */
  below(bound) {
    if (!Number.isSafeInteger(bound) || bound < 0) throw new RangeError(`a bound is a whole number, not ${bound}`);
    if (bound === 0) return 0;
    // Draws beyond the last multiple of the bound are thrown away, so that every value is as likely.
    const wide = BigInt(bound);
    const excess = 0xffff_ffff_ffff_ffffn % wide;
    for (;;) {
      this.#draw();
      // Up to this bound the arithmetic is exact without BigInts.
      if (bound <= 2 ** 21) {
        const beyond = this.#high === 0xffff_ffff && this.#low >= 0xffff_ffff - Number(excess);
        if (!beyond) return ((this.#high % bound) * 2 ** 32 + this.#low) % bound;
      } else {
        const draw = (BigInt(this.#high) << 32n) | BigInt(this.#low);
        if (draw < 0xffff_ffff_ffff_ffffn - excess) return Number(draw % wide);
      }
    }
  }

  /** Uniform in [0, 1). */
  uniform() {
    this.#draw();
    return (this.#high * 2 ** 21 + (this.#low >>> 11)) / 2 ** 53;
  }

  /** One of these, evenly; `undefined` of nothing. */
  choose(items) {
    return items[this.below(items.length)];
  }

  /**
   * The standard normal distribution (Box & Muller 1958). Between languages the last bits may differ: their logarithms and
   * cosines do.
   */
  normal() {
    // In (0, 1]: the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /**
   * A place in an array of weights, none below 0, with a probability that is proportional to its weight. Any place, evenly,
   * where all are 0; `undefined` of no weights.
   */
  chooseWeighted(weights) {
    if (weights.length === 0) return undefined;
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total <= 0) return this.below(weights.length);
    let left = this.uniform() * total;
    for (const [place, weight] of weights.entries()) {
      if (left < weight) return place;
      left -= weight;
    }
    return weights.findLastIndex((weight) => weight > 0);
  }

  /** `count` different numbers below `bound` in random order; all of them where `bound` is smaller. */
  sample(count, bound) {
    // Fisher & Yates's shuffle, stopped once the first ones are settled. Numbers that were swapped away are remembered
    // alone.
    const moved = new Map();
    const drawn = [];
    for (let place = 0; place < Math.min(count, bound); place += 1) {
      const other = place + this.below(bound - place);
      const here = moved.get(place) ?? place;
      drawn.push(moved.get(other) ?? other);
      moved.set(other, here);
    }
    return drawn;
  }

  /** Puts an array into a random order. */
  shuffle(items) {
    for (let last = items.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1);
      [items[last], items[other]] = [items[other], items[last]];
    }
  }
}

// Building blocks of strategies, each one idea: what is known, who may reproduce, who dies, what is new.

/** Whether `value` is strictly better than `than` by an objective `{ name, goal }`. */
export function isBetter(objective, value, than) {
  return objective.goal === "minimize" ? value < than : value > than;
}

/** Which architectures were asked for, and which of them are known to be how good by the first objective. */
export class Archive {
  #open = new Map();
  #next = 0;

  constructor(objectives) {
    /** The first objective. */
    this.objective = objectives[0] ?? { name: "value", goal: "maximize" };
    /** The best member so far; of equals the first one told. `null` before. */
    this.best = null;
  }

  /** Takes note that an architecture is asked for; gives the query's id, from 0. */
  ask(architecture) {
    this.#open.set(this.#next, architecture);
    this.#next += 1;
    return this.#next - 1;
  }

  /** A query for an architecture, of which note is taken; `parent` is the query that it descends from. */
  query(architecture, parent = null) {
    return query(this.ask(architecture), architecture, { parent });
  }

  /** Architectures asked for so far. */
  get asked() {
    return this.#next;
  }

  /** Queries that nothing was told of yet. */
  get inFlight() {
    return this.#open.size;
  }

  /** Takes an observation; gives a member `{ query, architecture, value }`, or `null` where the query failed. */
  tell({ query, estimate }) {
    if (!this.#open.has(query)) throw new Internal(`query ${query} is not in flight`);
    const architecture = this.#open.get(query);
    this.#open.delete(query);
    if (estimate === null || estimate.objectives.length === 0) return null;
    const member = { query, architecture, value: estimate.objectives[0] };
    if (this.best === null || isBetter(this.objective, member.value, this.best.value)) this.best = member;
    return member;
  }

  /** Takes observations; gives those with a value as members, in order. */
  estimated(observations) {
    return observations.map((observation) => this.tell(observation)).filter((member) => member !== null);
  }
}

/** Members by age. */
export class Population {
  #objective;

  constructor(objective) {
    this.#objective = objective;
    /** From the oldest to the youngest. */
    this.members = [];
  }

  get size() {
    return this.members.length;
  }

  /** Adds the youngest. */
  add(member) {
    this.members.push(member);
  }

  /** Adds members, the youngest last. */
  extend(members) {
    for (const member of members) this.add(member);
  }

  /** Lets the oldest die until at most `size` are left (ageing; Real et al. 2019). */
  keepYoungest(size) {
    if (this.members.length > size) this.members.splice(0, this.members.length - size);
  }

  /**
   * The best of `size` draws, each from all members (Real et al. 2019, algorithm 1); of equals the first drawn, `null`
   * where nobody lives.
   */
  tournament(size, rng) {
    let best = null;
    for (let draw = 0; draw < Math.max(size, 1) && this.members.length > 0; draw += 1) {
      const member = rng.choose(this.members);
      if (best === null || isBetter(this.#objective, member.value, best.value)) best = member;
    }
    return best;
  }
}

/** Tells whether an architecture's network was seen before, isomorphic ones being the same. */
export class Distinct {
  #seen = new Set();

  /** Whether no architecture with an isomorphic network was seen; from now on it was. */
  isNew(architecture, space) {
    const fingerprint = space.fingerprint(architecture);
    const known = this.#seen.has(fingerprint);
    this.#seen.add(fingerprint);
    return !known;
  }
}

/** A seed of its own for a text and a number: SplitMix64's finalizer (Steele et al. 2014) over their bytes. */
export function derive(seed, text, index) {
  const wrapped = (bits) => BigInt.asUintN(64, bits);
  const mixed = (one, other) => {
    let bits = wrapped(one + (other + 1n) * 0x9e3779b97f4a7c15n);
    bits = wrapped((bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n);
    bits = wrapped((bits ^ (bits >> 27n)) * 0x94d049bb133111ebn);
    return bits ^ (bits >> 31n);
  };
  let bits = BigInt(seed);
  for (const byte of new TextEncoder().encode(text)) bits = mixed(bits, BigInt(byte));
  return mixed(bits, BigInt(index));
}

/**
 * Trains architectures once or over several seeds, and averages. The seed of a training follows from the estimator's seed
 * and the network alone, so that the same network is trained the same way whenever it is asked for.
 */
export class Repeats {
  #jobs = new Map();

  /** Averages over `repeats` (at least 1) trainings; `report` says which epoch counts: the "last" or the "best". */
  constructor({ space, seed, repeats = 1, objective, report = "last" }) {
    Object.assign(this, { space, seed, repeats, objective, report });
  }

  /** Starts a job: the first training, from fresh weights. `fidelity` is the share of a full one that it spends. */
  begin(job, training, fidelity) {
    const fingerprint = this.space.fingerprint(training.subject);
    const seeds = Array.from({ length: this.repeats }, (_, index) => derive(this.seed, fingerprint, index));
    const state = { training, fidelity, seeds, results: [], cost: 0, curve: [] };
    this.#jobs.set(job, state);
    return { ...training, start: fresh(seeds[0]) };
  }

  /** Goes on with a job: the next training, or the estimate. */
  advance(job, outcome) {
    const state = this.#jobs.get(job);
    if (state === undefined) throw new Internal(`job ${job} is not open`);
    this.#jobs.delete(job);
    if (outcome.failure !== null) return failed(outcome.failure);
    if (outcome.curve.length === 0) return failed("the training has no validation metrics");
    const better = (one, other) => isBetter(this.objective, one.objectives[0], other.objectives[0]);
    const counted =
      this.report === "best"
        ? outcome.curve.reduce((best, epoch) => (better(epoch, best) ? epoch : best))
        : outcome.curve.at(-1);
    const { training, fidelity, seeds, results } = state;
    if (results.length === 0) {
      state.curve = outcome.curve.map(({ epoch, objectives }) => ({
        fidelity: Math.min((fidelity * epoch) / training.untilEpoch, 1),
        value: objectives[0],
      }));
    }
    results.push(Array.from(counted.objectives));
    state.cost += outcome.cost;
    if (results.length < seeds.length) {
      this.#jobs.set(job, state);
      return { ...training, start: fresh(seeds[results.length]) };
    }
    const count = results.length;
    const means = results[0].map((_, index) => results.reduce((sum, result) => sum + result[index], 0) / count);
    const deviation = (mean, index) =>
      Math.sqrt(results.reduce((sum, result) => sum + (result[index] - mean) ** 2, 0) / (count - 1));
    const uncertainty = count > 1 ? means.map(deviation) : null;
    return done(means, { cost: state.cost, fidelity, uncertainty, curve: state.curve });
  }
}
