"""A search space: a cell of three edges between three nodes, each edge one of four operations, repeated in a chain.

    node 0 -- edge-0-1 -- node 1 -- edge-1-2 --+
       +--------------- edge-0-2 ------------- + -- node 2

The cell is a smaller one of NAS-Bench-201 (Dong & Yang 2020). A space lists its decisions, and builds the network of
any point for any images. Make it your own: other decisions, other operations, another skeleton. What a network may be
made of is in the host's docs/operators.md.
"""

import archwright
from archwright import Categorical, Decision, Network, Node, Ordinal, SearchSpace, Unsupported, export, option

# The operations of an edge.
OPERATIONS = ["skip", "conv-1x1", "conv-3x3", "avg-pool-3x3"]
# The edges of a cell.
EDGES = ["edge-0-1", "edge-0-2", "edge-1-2"]
# Channels of all layers, at full width.
CHANNELS = [8, 16, 32]


class Options(archwright.Options):
    """What users may set, as `archwright plugin inspect` shows it; the host checks what they give."""

    cells = option.integer(2, minimum=1, maximum=16, doc="Cells in a row, at full depth.")


@export
class Cells(SearchSpace):
    """A cell of three edges, repeated in a chain"""

    references = ["arXiv:2001.00326"]
    Options = Options

    def __init__(self, options):
        self.options = options

    def decisions(self):
        """What is open: an operation for each edge, and the number of channels."""
        edges = [Decision(f"cell/{edge}", Categorical(OPERATIONS)) for edge in EDGES]
        return [*edges, Decision("channels", Ordinal(CHANNELS))]

    def build(self, point, context):
        """The network of a point. Trainings at a lower fidelity want it narrower or shallower."""
        if len(context.input) != 3:
            raise Unsupported(f"the space is for images (channels, height, width), not for a shape of {context.input}")
        first, second, third, channels = point
        layers = Layers(max(1, round(CHANNELS[channels] * context.width_share)))
        last = layers.add("input", "input", [], shape=list(context.input))
        last = layers.conv("stem", last, 3)
        for cell in range(max(1, round(self.options.cells * context.depth_share))):
            names = [f"cell-{cell}/{edge}" for edge in EDGES]
            one = layers.edge(names[0], OPERATIONS[first], last)
            long = layers.edge(names[1], OPERATIONS[second], last)
            short = layers.edge(names[2], OPERATIONS[third], one)
            last = layers.add(f"cell-{cell}/sum", "add", [long, short])
        last = layers.add("head/pool", "global-avg-pool", [last])
        layers.add("head/scores", "linear", [last], out_features=context.classes)
        return Network(layers.nodes)


class Layers:
    """A network under construction: nodes name the earlier ones that they take by their places."""

    def __init__(self, channels):
        self.channels = channels
        self.nodes = []

    def add(self, name, op, inputs, **attributes):
        """Adds a node; gives its place. Attributes have hyphens in their names."""
        attributes = {key.replace("_", "-"): value for key, value in attributes.items()}
        self.nodes.append(Node(name, op, attributes, tuple(inputs)))
        return len(self.nodes) - 1

    def edge(self, name, operation, before):
        if operation == "skip":
            return self.add(name, "identity", [before])
        if operation == "avg-pool-3x3":
            return self.add(name, "avg-pool", [before], kernel=3, padding=1)
        return self.conv(name, before, 1 if operation == "conv-1x1" else 3)

    def conv(self, name, before, kernel):
        """A convolution that keeps height and width, normalized and activated."""
        size = {"out_channels": self.channels, "kernel": kernel, "padding": kernel // 2}
        conv = self.add(f"{name}/conv", "conv2d", [before], **size)
        norm = self.add(f"{name}/norm", "batch-norm", [conv])
        return self.add(f"{name}/relu", "relu", [norm])
