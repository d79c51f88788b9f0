"""Minibatch softmax in NumPy, float32: shuffled batches, momentum."""

import numpy as np

from linear.objective import BATCH, EPOCHS, LAMBDA, MOMENTUM, RATE, SCALE, epochs_of, packed, scaled
from measurement import Clock, Measurement


def measure(job):
    rows = job.images.train.astype(np.float32) / np.float32(SCALE)
    mean = rows.mean(axis=0, dtype=np.float64)
    rows -= mean.astype(np.float32)
    labels = job.images.train_labels.astype(np.intp)
    n_classes = int(labels.max()) + 1
    weights, bias = np.zeros((rows.shape[1], n_classes), np.float32), np.zeros(n_classes, np.float32)
    step, bias_step = np.zeros_like(weights), np.zeros_like(bias)
    rng = np.random.default_rng(0)
    clock = Clock()
    with clock.running("epochs"):
        for _ in range(epochs_of(job)):
            order = rng.permutation(len(rows))
            for at in range(0, len(rows), BATCH):
                batch = order[at : at + BATCH]
                x = rows[batch]
                p = x @ weights + bias
                p -= p.max(axis=1, keepdims=True)
                np.exp(p, out=p)
                p /= p.sum(axis=1, keepdims=True)
                p[np.arange(len(batch)), labels[batch]] -= 1
                p /= len(batch)
                step *= MOMENTUM
                step += x.T @ p + np.float32(2 * LAMBDA) * weights
                bias_step *= MOMENTUM
                bias_step += p.sum(axis=0)
                weights -= np.float32(RATE) * step
                bias -= np.float32(RATE) * bias_step
    seconds, notes = scaled(job, clock["epochs"])
    return Measurement(
        system=f"NumPy {np.__version__} loop",
        what=f"{EPOCHS} epochs, float32",
        found=packed(weights.T, bias, mean),
        threads=job.threads,
        item_seconds=0.0,
        fixed_seconds=seconds,
        notes=notes,
        blas="numpy",
    )
