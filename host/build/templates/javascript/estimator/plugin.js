/**
 * A performance estimation strategy: trainings are cut short (Zoph et al. 2018), and judged by the mean of their last
 * epochs, which tells architectures apart better than the last epoch alone.
 *
 * An estimator trains nothing itself. It returns what it wants done (`train(...)`, ...), the host does it, and `advance`
 * sees the outcome. Make it your own: change what is trained for how long, with which share of the data, and what it is
 * judged by.
 */

import { Estimator, Internal, Relaxation, Unsupported, done, failed, fresh, option, train } from "./archwright.js";

export default class ShortTraining extends Estimator {
  static summary = "Short trainings, judged by the mean of their last epochs";
  static references = ["arXiv:1707.07012"];
  static gives = ["fidelity"];

  /** What users may set, as `archwright plugin inspect` shows it; the host checks what they give. */
  static options = {
    epochs_share: option.real(0.25, { above: 0, maximum: 1, doc: "Share of the epochs of a full training." }),
    last: option.integer(3, { minimum: 1, maximum: 1_000, doc: "Epochs at the end whose mean counts." }),
  };

  constructor(setup, options, space) {
    super();
    this.setup = setup;
    this.options = options;
    // The epochs that each open job trains for.
    this.jobs = new Map();
  }

  /** A query came: have its architecture trained. Strategies with fidelities ask for less than a full training. */
  begin(job, { subject, fidelity }) {
    if (subject instanceof Relaxation) throw new Unsupported("a relaxation has no training of its own");
    const untilEpoch = Math.max(1, Math.round(this.setup.fullEpochs * this.options.epochs_share * fidelity));
    this.jobs.set(job, untilEpoch);
    return train(subject, { start: fresh(this.setup.seed), untilEpoch });
  }

  /** The training is over: the mean of its last epochs is the estimate. */
  advance(job, { failure, curve, cost }) {
    const epochs = this.jobs.get(job);
    if (epochs === undefined) throw new Internal(`job ${job} is not open`);
    this.jobs.delete(job);
    if (failure !== null) return failed(failure);
    if (curve.length === 0) return failed("the training has no validation metrics");
    const last = curve.slice(-this.options.last);
    const mean = (_, index) => last.reduce((sum, { objectives }) => sum + objectives[index], 0) / last.length;
    const means = last[0].objectives.map(mean);
    // What diverges has no value, and an estimate has to be finite.
    if (!means.every(Number.isFinite)) return failed("the training diverged: its metrics are not finite");
    return done(means, { cost, fidelity: Math.min(epochs / this.setup.fullEpochs, 1) });
  }
}
