"""The trainer's benchmark in Python: the same network, recipe and amount of data. Prints one JSON line.

The same pattern of images, one epoch of NAS-Bench-201's cell with a 3x3 convolution on every edge (one cell a stage, 16
channels), batch 64, SGD with Nesterov momentum, random crop and flip, gradient clipping, then an evaluation.
ARCHWRIGHT_BENCH_DEVICE names the device, `cpu` by default, where one thread computes.
"""

import json
import os
import time

import torch
from torch import nn
from torch.nn import functional as F

TRAIN, VALIDATION, BATCH, REPEATS = 1220, 60, 64, 10


def conv(channels_in, channels_out, stride=1):
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False), nn.BatchNorm2d(channels_out)
    )


class Cell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.edges = nn.ModuleList(conv(channels, channels) for _ in range(6))

    def forward(self, x):
        vertices, edges = [x], iter(self.edges)
        for _ in range(3):
            vertices.append(sum(edge(vertex) for vertex, edge in zip(vertices, edges_of(edges, len(vertices)))))
        return vertices[-1]


def edges_of(edges, count):
    return [next(edges) for _ in range(count)]


class Reduction(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.main = nn.Sequential(conv(channels, 2 * channels, 2), conv(2 * channels, 2 * channels))
        self.side = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, x):
        return self.main(x) + self.side(x)


def network():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        Cell(16),
        Reduction(16),
        Cell(32),
        Reduction(32),
        Cell(64),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def augment(images):
    """The usual random crop after padding by 4, and flip, for a whole batch."""
    count = len(images)
    padded = F.pad(images, (4, 4, 4, 4))
    rows = torch.randint(9, (count, 1), device=images.device) + torch.arange(32, device=images.device)
    columns = torch.randint(9, (count, 1), device=images.device) + torch.arange(32, device=images.device)
    index = torch.arange(count, device=images.device)[:, None, None]
    cropped = padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    flipped = torch.rand(count, 1, 1, 1, device=images.device) < 0.5
    return torch.where(flipped, cropped.flip(3), cropped)


def epoch(images, labels):
    model = network().to(images.device)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    model.train()
    order = torch.randperm(TRAIN, device=images.device)
    for batch in order.split(BATCH):
        x = (images[batch].float() - 127.5) / 74.0
        loss = F.cross_entropy(model(augment(x)), labels[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        scores = model((images[TRAIN:].float() - 127.5) / 74.0)
    return (scores.argmax(1) == labels[TRAIN:]).float().mean().item()


def main():
    torch.set_num_threads(1)
    device = os.environ.get("ARCHWRIGHT_BENCH_DEVICE", "cpu")
    count = TRAIN + VALIDATION
    pixels = (torch.arange(3072)[None] * 7 + torch.arange(count)[:, None] * 31) % 256
    images = pixels.to(torch.uint8).view(count, 3, 32, 32).to(device)
    labels = (torch.arange(count) % 10).to(device)
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        epoch(images, labels)
        times.append(time.perf_counter() - start)
    # The first one warms up.
    median = sorted(times[1:])[REPEATS // 2]
    print(json.dumps({"torch": torch.__version__, "device": device, "seconds": median, "images_per_second": TRAIN / median}))


if __name__ == "__main__":
    main()
