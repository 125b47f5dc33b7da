"""Counts the networks of NAS-Bench-201's cells by the paper's definition (Dong & Yang 2020), with PyTorch alone.

    python3 count_nas_bench_201.py < CELLS

Reads a cell a line, such as `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|none~2|`, and prints a JSON
object for each: `parameters` and `multiply_adds` (of convolutions and the fully connected layer) of the whole network, and
of what its scores depend on, `used_parameters` and `used_multiply_adds`. The two differ where a cell has operations that
lead nowhere, or work on zeros.
"""

import json
import sys

import torch
from torch import nn

CHANNELS = 16
CELLS = 5
CLASSES = 10


class Zero(nn.Module):
    def forward(self, x):
        return torch.zeros_like(x)


def relu_conv_bn(inputs, outputs, kernel, stride=1):
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


OPERATIONS = {
    "none": lambda channels: Zero(),
    "skip_connect": lambda channels: nn.Identity(),
    "nor_conv_1x1": lambda channels: relu_conv_bn(channels, channels, 1),
    "nor_conv_3x3": lambda channels: relu_conv_bn(channels, channels, 3),
    "avg_pool_3x3": lambda channels: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
}


class Cell(nn.Module):
    """Each node is the sum of operations on all nodes before it."""

    def __init__(self, text, channels):
        super().__init__()
        self.nodes = nn.ModuleList()
        self.sources = []
        for node in text.split("+"):
            edges = [edge.split("~") for edge in node.strip("|").split("|")]
            self.nodes.append(nn.ModuleList(OPERATIONS[operation](channels) for operation, _ in edges))
            self.sources.append([int(source) for _, source in edges])

    def forward(self, x):
        values = [x]
        for operations, sources in zip(self.nodes, self.sources, strict=True):
            values.append(sum(one(values[source]) for one, source in zip(operations, sources, strict=True)))
        return values[-1]


class Reduction(nn.Module):
    """The residual block between two stages."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.main = nn.Sequential(relu_conv_bn(inputs, outputs, 3, 2), relu_conv_bn(outputs, outputs, 3))
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


def network(text):
    layers = [nn.Conv2d(3, CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS)]
    for stage in range(3):
        channels = CHANNELS << stage
        if stage > 0:
            layers.append(Reduction(channels // 2, channels))
        layers.extend(Cell(text, channels) for _ in range(CELLS))
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]
    return nn.Sequential(*layers)


def count(text):
    torch.manual_seed(0)
    model = network(text).eval()
    work = {}

    def hook(layer, given, result):
        outputs = result[0].numel()
        each = layer.weight[0].numel()
        work[layer] = outputs * each

    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(hook)
        if isinstance(layer, nn.BatchNorm2d):
            # Zeros do not stay zeros here, as in a trained network.
            nn.init.uniform_(layer.bias, 0.1, 0.5)
            nn.init.normal_(layer.running_mean, std=0.1)
    scores = model(torch.randn(2, 3, 32, 32))
    (scores * torch.randn_like(scores)).sum().backward()

    def used(parameter):
        return parameter.grad is not None and bool(parameter.grad.any())

    parameters = list(model.parameters())
    return {
        "parameters": sum(one.numel() for one in parameters),
        "multiply_adds": sum(work.values()),
        "used_parameters": sum(one.numel() for one in parameters if used(one)),
        "used_multiply_adds": sum(done for layer, done in work.items() if used(layer.weight)),
    }


def main():
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(count(line.strip())), flush=True)


if __name__ == "__main__":
    main()
