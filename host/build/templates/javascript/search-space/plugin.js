/**
 * A search space: a cell of three edges between three nodes, each edge one of four operations, repeated in a chain.
 *
 *     node 0 -- edge-0-1 -- node 1 -- edge-1-2 --+
 *        +--------------- edge-0-2 ------------- + -- node 2
 *
 * The cell is a smaller one of NAS-Bench-201 (Dong & Yang 2020). A space lists its decisions, and builds the network of
 * any point for any images. Make it your own: other decisions, other operations, another skeleton. What a network may
 * be made of is in the host's docs/operators.md.
 */

import { SearchSpace, Unsupported, categorical, decision, option, ordinal } from "./archwright.js";

/** The operations of an edge. */
const OPERATIONS = ["skip", "conv-1x1", "conv-3x3", "avg-pool-3x3"];
/** The edges of a cell. */
const EDGES = ["edge-0-1", "edge-0-2", "edge-1-2"];
/** Channels of all layers, at full width. */
const CHANNELS = [8, 16, 32];

export default class Cells extends SearchSpace {
  static summary = "A cell of three edges, repeated in a chain";
  static references = ["arXiv:2001.00326"];

  /** What users may set, as `archwright plugin inspect` shows it; the host checks what they give. */
  static options = {
    cells: option.integer(2, { minimum: 1, maximum: 16, doc: "Cells in a row, at full depth." }),
  };

  constructor(options) {
    super();
    this.options = options;
  }

  /** What is open: an operation for each edge, and the number of channels. */
  decisions() {
    const edges = EDGES.map((edge) => decision(`cell/${edge}`, categorical(OPERATIONS)));
    return [...edges, decision("channels", ordinal(CHANNELS))];
  }

  /** The network of a point. Trainings at a lower fidelity want it narrower or shallower. */
  build([first, second, third, channels], { input, classes, widthShare, depthShare }) {
    if (input.length !== 3) {
      throw new Unsupported(`the space is for images (channels, height, width), not for a shape of [${input}]`);
    }
    const layers = new Layers(Math.max(1, Math.round(CHANNELS[channels] * widthShare)));
    let last = layers.add("input", "input", [], { shape: input });
    last = layers.conv("stem", last, 3);
    for (let cell = 0; cell < Math.max(1, Math.round(this.options.cells * depthShare)); cell += 1) {
      const names = EDGES.map((edge) => `cell-${cell}/${edge}`);
      const one = layers.edge(names[0], OPERATIONS[first], last);
      const long = layers.edge(names[1], OPERATIONS[second], last);
      const short = layers.edge(names[2], OPERATIONS[third], one);
      last = layers.add(`cell-${cell}/sum`, "add", [long, short]);
    }
    last = layers.add("head/pool", "global-avg-pool", [last]);
    layers.add("head/scores", "linear", [last], { "out-features": classes });
    return { nodes: layers.nodes };
  }
}

/** A network under construction: nodes name the earlier ones that they take by their places. */
class Layers {
  constructor(channels) {
    this.channels = channels;
    this.nodes = [];
  }

  /** Adds a node; gives its place. */
  add(name, op, inputs, attributes = {}) {
    this.nodes.push({ name, op, attributes, inputs });
    return this.nodes.length - 1;
  }

  edge(name, operation, before) {
    if (operation === "skip") return this.add(name, "identity", [before]);
    if (operation === "avg-pool-3x3") return this.add(name, "avg-pool", [before], { kernel: 3, padding: 1 });
    return this.conv(name, before, operation === "conv-1x1" ? 1 : 3);
  }

  /** A convolution that keeps height and width, normalized and activated. */
  conv(name, before, kernel) {
    const attributes = { "out-channels": this.channels, kernel, padding: Math.floor(kernel / 2) };
    const conv = this.add(`${name}/conv`, "conv2d", [before], attributes);
    const norm = this.add(`${name}/norm`, "batch-norm", [conv]);
    return this.add(`${name}/relu`, "relu", [norm]);
  }
}
