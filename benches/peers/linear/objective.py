"""The objective of softmax with an L2 penalty in float64, and models as weights and bias on the bytes."""

import json

import numpy as np

LAMBDA = 1e-3
EPOCHS = 10
QUICK_EPOCHS = 2  # of a quick run; the time of a model is scaled to all
BATCH = 256
MOMENTUM = 0.9
RATE = 0.01
ROWS = 5000  # images a step, to bound memory
SCALE = 255.0


def scores(weights, bias, pixels):
    """Of bytes, in float64: n x classes. `weights` is classes x pixels."""
    blocks = range(0, len(pixels), ROWS)
    return np.concatenate([pixels[at : at + ROWS].astype(np.float64) @ weights.T + bias for at in blocks])


def objective(weights, bias, pixels, labels):
    """Mean loss plus lambda times the sum of squares of the weights as they act on pixel / 255."""
    found = scores(weights, bias, pixels)
    found -= found.max(axis=1, keepdims=True)
    loss = np.log(np.exp(found).sum(axis=1)) - found[np.arange(len(labels)), labels]
    return float(loss.mean() + LAMBDA * np.square(weights * SCALE).sum())


def epochs_of(job):
    """How many a peer runs."""
    return QUICK_EPOCHS if job.quick else EPOCHS


def scaled(job, seconds):
    """Seconds of all epochs from those of the ones that ran, and notes that say so."""
    if not job.quick:
        return seconds, []
    return seconds * EPOCHS / QUICK_EPOCHS, [f"scaled from {QUICK_EPOCHS} epochs in {seconds:.2f} s"]


def packed(weights, bias, mean):
    """One array of weights on bytes with the bias as the last column, of a model on pixel / 255 minus `mean`."""
    weights = np.asarray(weights, np.float64)
    bias = np.asarray(bias, np.float64) - weights @ mean
    return np.column_stack([weights / SCALE, bias])


def read_model(path):
    """Weights and bias of a model of nearplane that acts on bytes, in float64."""
    content = path.read_bytes() if hasattr(path, "read_bytes") else open(path, "rb").read()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    kinds = {"F32": np.float32, "F64": np.float64}

    def tensor(name):
        entry = header[name]
        first, end = (start + offset for offset in entry["data_offsets"])
        return np.frombuffer(content[first:end], kinds[entry["dtype"]]).reshape(entry["shape"]).astype(np.float64)

    names = {name.lower(): name for name in header}
    weights = tensor(names.get("weights") or names.get("weight") or names["w"])
    bias = tensor(names.get("bias") or names["b"])
    return weights, bias
