"""Minibatch softmax in PyTorch on the CPU: tensors in memory, a permutation an epoch, no data loader."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy, linear

from linear.objective import BATCH, EPOCHS, LAMBDA, MOMENTUM, RATE, SCALE, epochs_of, packed, scaled
from measurement import Clock, Measurement


def measure(job):
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    rows = job.images.train.astype(np.float32) / np.float32(SCALE)
    mean = rows.mean(axis=0, dtype=np.float64)
    rows = torch.from_numpy(rows - mean.astype(np.float32))
    labels = torch.from_numpy(job.images.train_labels.astype(np.int64))
    n_classes = int(labels.max()) + 1
    weights = torch.zeros(n_classes, rows.shape[1], requires_grad=True)
    bias = torch.zeros(n_classes, requires_grad=True)
    # Its decay is the whole factor of w in the gradient; the bias has none.
    groups = [{"params": [weights], "weight_decay": 2 * LAMBDA}, {"params": [bias]}]
    optimizer = torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM)
    clock = Clock()
    with clock.running("epochs"):
        for _ in range(epochs_of(job)):
            order = torch.randperm(len(rows))
            for batch in order.split(BATCH):
                optimizer.zero_grad()
                cross_entropy(linear(rows[batch], weights, bias), labels[batch]).backward()
                optimizer.step()
    seconds, notes = scaled(job, clock["epochs"])
    return Measurement(
        system=f"PyTorch {torch.__version__}",
        what=f"{EPOCHS} epochs, float32",
        found=packed(weights.detach().numpy(), bias.detach().numpy(), mean),
        threads=job.threads,
        item_seconds=0.0,
        fixed_seconds=seconds,
        notes=notes + [f"{torch.backends.cpu.get_cpu_capability()} kernels"],
    )
