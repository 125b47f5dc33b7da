"""DARTS's search step by its authors' code: a step of the weights and a first-order step of the architecture.

The first argument is the folder `cnn` of a checkout of https://github.com/quark0/darts; nothing of it is part of this
repository. 8 cells, 16 channels, batches of 64 images of 3x32x32, as `supergraph.rs` measures. ARCHWRIGHT_BENCH_DEVICE names the
device, `cpu` by default, where one thread computes. Prints a line of JSON for each step after one to warm up; with `--by-line`
each waits for a line on the standard input.
"""

import json
import os
import sys
import time
from types import SimpleNamespace

import torch
from torch import nn

BATCH, STEPS = 64, 5

sys.path.insert(0, sys.argv[1])
device = torch.device(os.environ.get("ARCHWRIGHT_BENCH_DEVICE", "cpu"))
if device.type == "cpu":
    torch.set_num_threads(1)
    # The code is written for a GPU.
    torch.Tensor.cuda = lambda tensor, *_, **__: tensor
    nn.Module.cuda = lambda module, *_, **__: module

from architect import Architect
from model_search import Network

criterion = nn.CrossEntropyLoss().to(device)
model = Network(16, 10, 8, criterion).to(device)
settings = SimpleNamespace(momentum=0.9, weight_decay=3e-4, arch_learning_rate=3e-4, arch_weight_decay=1e-3)
architect = Architect(model, settings)
optimizer = torch.optim.SGD(model.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
images = torch.randn(2, BATCH, 3, 32, 32, device=device)
labels = torch.randint(10, (2, BATCH), device=device)


def step():
    architect.step(images[0], labels[0], images[1], labels[1], 0.025, optimizer, unrolled=False)
    optimizer.zero_grad()
    loss = criterion(model(images[0]), labels[0])
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5)
    optimizer.step()
    return loss.item()


step()
for _ in sys.stdin if "--by-line" in sys.argv else range(STEPS):
    begun = time.perf_counter()
    step()
    print(json.dumps({"seconds": time.perf_counter() - begun, "process": os.getpid()}), flush=True)
