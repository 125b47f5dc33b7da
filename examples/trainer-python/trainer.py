"""A trainer for Archwright in plain Python: a small multilayer perceptron on IDX images.

It shows the protocol (docs/trainer-protocol.md) with a real, if slow, training loop and nothing but the standard library.
Of the network that it is asked to train it takes one number, the channels of the last convolution, as the width of its
hidden layer. A trainer of your own would build the network.

    [task]
    data = "folder with IDX files"

    [trainer]
    command = ["python3", "trainer.py"]
"""

import gzip
import hashlib
import json
import math
import os
import random
import struct
import sys
import time

EXAMPLES = 600  # of each file: pure Python is slow
SIDE = 7  # images become 7x7 means


def say(**message):
    print(json.dumps(message), flush=True)


def idx(name):
    path = os.path.join(os.environ["ARCHWRIGHT_DATA"], name)
    opener = open if os.path.exists(path) else lambda path, mode: gzip.open(path + ".gz", mode)
    with opener(path, "rb") as file:
        content = file.read()
    axes = content[3]
    sizes = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    return sizes, content[4 + 4 * axes :]


def shrink(image, height, width):
    """Means over areas, scaled to [0, 1]."""
    cells = []
    for row in range(SIDE):
        for column in range(SIDE):
            rows = range(row * height // SIDE, max(row * height // SIDE + 1, (row + 1) * height // SIDE))
            columns = range(column * width // SIDE, max(column * width // SIDE + 1, (column + 1) * width // SIDE))
            values = [image[r * width + c] for r in rows for c in columns]
            cells.append(sum(values) / len(values) / 255)
    return cells


def load(part):
    (count, height, width), pixels = idx(f"{part}-images-idx3-ubyte")
    _, labels = idx(f"{part}-labels-idx1-ubyte")
    count = min(count, EXAMPLES)
    size = height * width
    images = [shrink(pixels[i * size : (i + 1) * size], height, width) for i in range(count)]
    return list(zip(images, labels[:count])), [1, height, width]


class Data:
    def __init__(self, split):
        examples, self.shape = load("train")
        self.test, _ = load("t10k")
        random.Random(split["seed"]).shuffle(examples)
        kept = max(1, round(len(examples) * split["validation"]))
        self.validation, self.train = examples[:kept], examples[kept:]
        self.classes = 1 + max(label for _, label in examples)

    def summary(self):
        digest = hashlib.sha256(repr((self.train, self.validation, self.test)).encode()).hexdigest()
        return {
            "digest": digest,
            "input": self.shape,
            "classes": self.classes,
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(self.test),
        }


class Perceptron:
    """One hidden layer of ReLU units, trained by stochastic gradient descent."""

    def __init__(self, hidden, classes, seed):
        rng = random.Random(seed)
        layer = lambda rows, columns: [
            [rng.gauss(0, math.sqrt(2 / columns)) for _ in range(columns)] + [0.0] for _ in range(rows)
        ]
        self.first, self.second = layer(hidden, SIDE * SIDE), layer(classes, hidden)

    def forward(self, x):
        hidden = [max(0.0, sum(w * v for w, v in zip(row, x)) + row[-1]) for row in self.first]
        scores = [sum(w * v for w, v in zip(row, hidden)) + row[-1] for row in self.second]
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        total = sum(powers)
        return hidden, [power / total for power in powers]

    def step(self, x, label, rate):
        hidden, shares = self.forward(x)
        loss = -math.log(max(shares[label], 1e-12))
        errors = [share - (index == label) for index, share in enumerate(shares)]
        back = [sum(error * row[i] for error, row in zip(errors, self.second)) for i in range(len(hidden))]
        for layer, gradients, values in ((self.second, errors, hidden), (self.first, back, x)):
            for row, gradient, value_of_unit in zip(layer, gradients, hidden if layer is self.first else errors):
                if layer is self.first and value_of_unit == 0.0:
                    continue
                for i, value in enumerate(values):
                    row[i] -= rate * gradient * value
                row[-1] -= rate * gradient
        return loss

    def measure(self, examples):
        shares = [(self.forward(x)[1], label) for x, label in examples]
        right = sum(share.index(max(share)) == label for share, label in shares)
        loss = -sum(math.log(max(share[label], 1e-12)) for share, label in shares)
        return {"accuracy": right / len(examples), "loss": loss / len(examples)}


def train(data, action, id):
    widths = [node["out-channels"] for node in action["network"]["nodes"] if node["op"] == "conv2d"]
    model = Perceptron(max(4, min(32, widths[-1] if widths else 16)), data.classes, action["seed"])
    examples = data.train[: max(1, round(len(data.train) * action["data_share"]))]
    rng, curve = random.Random(action["seed"]), []
    for epoch in range(1, action["until_epoch"] + 1):
        rng.shuffle(examples)
        rate = 0.5 * action["recipe"]["learning_rate"] * (1 + math.cos(math.pi * (epoch - 1) / action["until_epoch"]))
        loss = sum(model.step(x, label, rate) for x, label in examples) / len(examples)
        curve.append({"epoch": epoch, "train_loss": loss, "metrics": model.measure(data.validation)})
        say(type="progress", id=id, epoch=epoch, metrics=curve[-1]["metrics"])
    weights = None
    if action["keep_weights"]:
        content = json.dumps([model.first, model.second]).encode()
        weights = hashlib.sha256(content).hexdigest()
        # The host looks for weights under this name, whatever is in the file.
        with open(os.path.join(os.environ["ARCHWRIGHT_WEIGHTS"], weights + ".safetensors"), "wb") as file:
            file.write(content)
    return {"curve": curve, "metrics": curve[-1]["metrics"], "weights": weights}


def evaluate(data, action):
    with open(os.path.join(os.environ["ARCHWRIGHT_WEIGHTS"], action["weights"] + ".safetensors"), "rb") as file:
        first, second = json.loads(file.read())
    model = Perceptron(1, data.classes, 0)
    model.first, model.second = first, second
    return {"curve": [], "metrics": model.measure(data.test if action["subset"] == "test" else data.validation)}


def main():
    data = None
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "setup":
            try:
                data = Data(message["task"]["split"])
            except (KeyError, OSError, struct.error) as error:
                say(type="refused", kind="data", message=f"this trainer reads IDX files: {error!r}")
                return
            say(
                type="ready",
                protocol=1,
                name="example-python",
                version="1",
                numerics="python " + sys.version.split()[0],
                actions=["train", "evaluate"],
                device={"name": "python"},
                data=data.summary(),
            )
        elif message["type"] == "act":
            start, action = time.monotonic(), message["action"]
            outcome = train(data, action, message["id"]) if action["kind"] == "train" else evaluate(data, action)
            outcome["seconds"] = time.monotonic() - start
            say(type="done", id=message["id"], outcome=outcome)
        else:
            return


if __name__ == "__main__":
    main()
