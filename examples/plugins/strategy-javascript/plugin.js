/** Regularized evolution: tournaments choose parents, mutation makes children, and the oldest dies, not the worst. */

import { Archive, InvalidOptions, Population, Rng, Strategy, log, option } from "./archwright.js";

export default class RegularizedEvolution extends Strategy {
  static summary = "Tournament selection, mutation, and death of the oldest (Real et al. 2019)";
  static references = ["arXiv:1802.01548"];

  static options = {
    population_size: option.integer(100, { minimum: 1, maximum: 100_000, doc: "Architectures alive at once." }),
    sample_size: option.integer(25, { minimum: 1, maximum: 100_000, doc: "Members drawn for a tournament." }),
    crossover_probability: option.real(0, { minimum: 0, maximum: 1, doc: "Probability that a child has two parents." }),
  };

  constructor(setup, options, space) {
    super();
    const { population_size: size, sample_size: sample } = options;
    if (sample > size) {
      throw new InvalidOptions(`\`sample_size\` is ${sample}, more than the \`population_size\` of ${size}`);
    }
    if (setup.maxQueries !== null && setup.maxQueries <= size) {
      log("warn", `the budget is spent on the ${size} random architectures of the first population`);
    }
    this.options = options;
    this.space = space;
    this.rng = new Rng(setup.seed);
    this.archive = new Archive(setup.objectives);
    this.population = new Population(this.archive.objective);
  }

  ask(capacity) {
    return Array.from({ length: capacity }, () => this.query());
  }

  tell(observations) {
    for (const member of this.archive.estimated(observations)) {
      this.population.add(member);
      this.population.keepYoungest(this.options.population_size);
    }
  }

  /** A founder while the first population is incomplete, or nobody lives; otherwise a child. */
  query() {
    if (this.archive.asked < this.options.population_size || this.population.size === 0) {
      return this.archive.query(this.space.sample(this.rng.nextU64()));
    }
    const parent = this.parent();
    let child = parent.architecture;
    if (this.rng.uniform() < this.options.crossover_probability) {
      child = this.space.crossover(child, this.parent().architecture, this.rng.nextU64());
    }
    return this.archive.query(this.space.mutate(child, this.rng.nextU64()), parent.query);
  }

  parent() {
    return this.population.tournament(this.options.sample_size, this.rng);
  }
}
