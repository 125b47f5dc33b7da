"""Compares exported networks with what the trainer computes.

    python3 compare_exports.py FOLDER

Each folder inside of FOLDER holds what `archwright export` writes (model.py, weights.safetensors, model.onnx) and
`trainer.safetensors`: `inputs` and, as the trainer computes them in evaluation mode, `scores`. Prints one JSON object a
folder: the largest differences, and the loss on a batch before and after some steps of retraining.
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
    labels = torch.randint(scores.shape[1], (len(images),))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(STEPS + 1):
        torch.manual_seed(0)  # the same values are dropped in each step
        given = model(images)
        main, heads = given if isinstance(given, tuple) else (given, [])
        heads = heads if isinstance(heads, list) else [heads]
        loss = torch.nn.functional.cross_entropy(main, labels)
        losses.append(loss.item())
        loss = loss + 0.4 * sum(torch.nn.functional.cross_entropy(head, labels) for head in heads)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def compare(folder):
    known = load_file(folder / "trainer.safetensors")
    inputs, scores = known["inputs"], known["scores"]
    exported = module(folder)
    model = exported.load()
    with torch.no_grad():
        of_torch = model(inputs)
    onnx.checker.check_model(str(folder / "model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    of_onnx = torch.from_numpy(session.run(["scores"], {"images": inputs.numpy()})[0])
    single = torch.from_numpy(session.run(["scores"], {"images": inputs[:1].numpy()})[0])
    fresh = retrain(exported.Network(), inputs)
    trained = retrain(exported.load(), inputs)
    return {
        "network": folder.name,
        "examples": len(inputs),
        "largest_score": scores.abs().max().item(),
        "torch": (of_torch - scores).abs().max().item(),
        "onnx": (of_onnx - scores).abs().max().item(),
        "onnx_single": (single - scores[:1]).abs().max().item(),
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
