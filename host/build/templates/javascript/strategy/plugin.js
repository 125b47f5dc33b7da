/**
 * A search strategy: evolution in which the oldest die (Real et al. 2019).
 *
 * The host asks for architectures (`ask`), has them estimated, and tells what came of them (`tell`). Make it your own:
 * change how parents are chosen, how children come about, who dies, or all of it.
 */

import { Archive, Population, Rng, Strategy, option } from "./archwright.js";

export default class Evolution extends Strategy {
  static summary = "Evolution in which the oldest die (Real et al. 2019)";
  static references = ["arXiv:1802.01548"];

  /** What users may set, as `archwright plugin inspect` shows it; the host checks what they give. */
  static options = {
    population: option.integer(16, {
      minimum: 1,
      maximum: 10_000,
      doc: "Architectures alive at once; so many random ones come first.",
    }),
    tournament: option.integer(4, {
      minimum: 1,
      maximum: 10_000,
      doc: "Members drawn for a tournament, whose best becomes a parent.",
    }),
  };

  constructor(setup, options, space) {
    super();
    this.options = options;
    this.space = space;
    // The seed is all the randomness there is: the same calls give the same answers.
    this.rng = new Rng(setup.seed);
    this.archive = new Archive(setup.objectives);
    this.population = new Population(this.archive.objective);
  }

  /** At most `capacity` architectures: random ones until enough live, then children of a tournament's winner. */
  ask(capacity) {
    return Array.from({ length: capacity }, () => this.query());
  }

  query() {
    const seed = this.rng.nextU64();
    if (this.population.size < this.options.population) {
      return this.archive.query(this.space.sample(seed));
    }
    const parent = this.population.tournament(this.options.tournament, this.rng);
    return this.archive.query(this.space.mutate(parent.architecture, seed), parent.query);
  }

  /** What was estimated joins the population, and the oldest die for it. What failed joins nobody. */
  tell(observations) {
    this.population.extend(this.archive.estimated(observations));
    this.population.keepYoungest(this.options.population);
  }
}
