"""Compares exported networks with what the trainer computes.

    python3 compare_exports.py FOLDER

Each folder inside of FOLDER holds what `archwright export` writes (model.py, weights.safetensors, model.onnx) and
`trainer.safetensors`: `inputs` and, as the trainer computes them in evaluation mode, `scores`; of a network for sequences also
the last states, `state_0` and so on. Prints one JSON object a folder: the largest differences, and the loss on a batch before
and after some steps of retraining.
"""

import importlib.util
import json
import pathlib
import sys
import warnings

import onnx
import onnxruntime
import torch
from safetensors.torch import load_file

STEPS = 2


def module(folder):
    spec = importlib.util.spec_from_file_location("exported_model", folder / "model.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def retrain(model, inputs):
    """Losses before and after each step on one batch, with fresh weights where `model` has them."""
    torch.manual_seed(0)
    images = inputs[:16]
    model.train()
    with torch.no_grad():
        given = model(images)
    scores = given[0] if isinstance(given, tuple) else given
    labels = torch.randint(scores.shape[-1], scores.shape[:-1]).flatten()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(STEPS + 1):
        torch.manual_seed(0)  # the same values are dropped in each step
        given = model(images)
        main, heads = given if isinstance(given, tuple) else (given, [])
        if isinstance(heads, tuple):
            heads = []  # these are states
        heads = heads if isinstance(heads, list) else [heads]
        loss = torch.nn.functional.cross_entropy(main.flatten(0, -2), labels)
        losses.append(loss.item())
        loss = loss + 0.4 * sum(torch.nn.functional.cross_entropy(head, labels) for head in heads)
        optimizer.zero_grad()
        loss.backward()
        # As trainings do: the gradients of a deep network may be steep.
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return losses


def difference(found, known):
    return max((one - other).abs().max().item() for one, other in zip(found, known, strict=True))


class Images:
    """What a network for images or vectors computes."""

    def __init__(self, known):
        self.known = [known["scores"]]

    def of_torch(self, model, inputs):
        return [model(inputs)]

    def of_onnx(self, session, inputs):
        return [torch.from_numpy(session.run(["scores"], {"images": inputs.numpy()})[0])]


class Sequences:
    """What a network for sequences computes, going on once from the states in between."""

    def __init__(self, known):
        self.states = sum(key.startswith("state_") for key in known)
        self.known = [known["scores"]] + [known[f"state_{index}"] for index in range(self.states)]

    def halves(self, inputs, run):
        first, second = inputs.split([inputs.shape[1] - 5, 5], dim=1)
        before, states = run(first, None)
        after, states = run(second, states)
        return [torch.cat([before, after], dim=1), *states]

    def of_torch(self, model, inputs):
        return self.halves(inputs, model)

    def of_onnx(self, session, inputs):
        names = [one.name for one in session.get_inputs()][1:]
        lengths = [one.shape[1] for one in session.get_inputs()][1:]
        assert [one.name for one in session.get_outputs()][1:] == [f"next_{name}" for name in names]

        def run(tokens, states):
            states = states or [torch.zeros(len(tokens), length) for length in lengths]
            given = {"tokens": tokens, **dict(zip(names, states, strict=True))}
            scores, *states = session.run(None, {name: value.numpy() for name, value in given.items()})
            return torch.from_numpy(scores), [torch.from_numpy(state) for state in states]

        return self.halves(inputs, run)


def compare(folder):
    known = load_file(folder / "trainer.safetensors")
    inputs, scores = known["inputs"], known["scores"]
    kind = (Sequences if "state_0" in known else Images)(known)
    exported = module(folder)
    model = exported.load()
    with torch.no_grad():
        of_torch = kind.of_torch(model, inputs)
    onnx.checker.check_model(str(folder / "model.onnx"), full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    of_onnx = kind.of_onnx(session, inputs)
    single = kind.of_onnx(session, inputs[:1])
    fresh = retrain(exported.Network(), inputs)
    trained = retrain(exported.load(), inputs)
    return {
        "network": folder.name,
        "examples": len(inputs),
        "largest_score": scores.abs().max().item(),
        "torch": difference(of_torch, kind.known),
        "onnx": difference(of_onnx, kind.known),
        "onnx_single": difference(single, [one[:1] for one in kind.known]),
        "fresh_losses": fresh,
        "trained_losses": trained,
    }


def main():
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    for folder in sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if path.is_dir()):
        print(json.dumps(compare(folder)), flush=True)


if __name__ == "__main__":
    main()
