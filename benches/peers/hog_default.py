"""How good a HoG is, on a validation split: k nearest neighbours and a ridge classifier.

For each specification the HoG of all training images is taken with the example `hog_matrix` of
nearplane-models; a stratified tenth of them is held out. Specifications joined by `+` are put side
by side. The test images are not read.

    cargo build --release -p nearplane-models --example hog_matrix
    python benches/peers/hog_default.py --data target/cifar10 mode=opencv mode=default,cell=8 ...
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

CLASSES = 10


def features(binary, data, spec, every):
    parts = []
    for part in spec.split("+"):
        rows = []
        for batch in sorted(data.glob("data_batch_*.bin")):
            with tempfile.NamedTemporaryFile(suffix=".f32") as out:
                subprocess.run([binary, batch, out.name, part], check=True)
                n_images = batch.stat().st_size // 3073
                rows.append(np.fromfile(out.name, "<f4").reshape(n_images, -1)[::every])
        parts.append(np.concatenate(rows))
    return np.concatenate(parts, axis=1)


def split(labels, seed=0):
    """A tenth of every class is for validation."""
    rng = np.random.RandomState(seed)
    val = np.zeros(len(labels), bool)
    for c in range(CLASSES):
        of_class = rng.permutation(np.flatnonzero(labels == c))
        val[of_class[: len(of_class) // 10]] = True
    return ~val, val


def knn(x, y, queries, truth, ks):
    """Accuracy by majority vote, ties to the lowest label, squared L2."""
    norms = (x * x).sum(axis=1)
    hits = dict.fromkeys(ks, 0)
    for first in range(0, len(queries), 500):
        q = queries[first : first + 500]
        d = norms - 2 * (q @ x.T)
        nearest = np.argpartition(d, max(ks), axis=1)[:, : max(ks)]
        order = np.argsort(np.take_along_axis(d, nearest, axis=1), axis=1)
        voters = y[np.take_along_axis(nearest, order, axis=1)]
        for k in ks:
            votes = np.stack([(voters[:, :k] == c).sum(axis=1) for c in range(CLASSES)], axis=1)
            hits[k] += (votes.argmax(axis=1) == truth[first : first + 500]).sum()
    return {k: hits[k] / len(queries) for k in ks}


def ridge(x, y, queries, truth, strengths=(1e-3, 1e-2, 3e-2)):
    """Least squares to one-hot classes on standardised columns; the best strength."""
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, queries = (x - mean) / std, (queries - mean) / std
    gram = (x.T @ x).astype(np.float64) / len(x)
    target = np.eye(CLASSES)[y] - 1 / CLASSES
    moment = (x.T @ target.astype(np.float32)).astype(np.float64) / len(x)
    best = 0
    for strength in strengths:
        weights = np.linalg.solve(gram + strength * np.eye(len(gram)), moment)
        best = max(best, ((queries @ weights).argmax(axis=1) == truth).mean())
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--binary", default="target/release/examples/hog_matrix")
    parser.add_argument("--every", type=int, default=1, help="only every n-th image")
    parser.add_argument("specs", nargs="+")
    args = parser.parse_args()
    batches = sorted(args.data.glob("data_batch_*.bin"))
    labels = np.concatenate(
        [np.fromfile(b, np.uint8).reshape(-1, 3073)[:: args.every, 0] for b in batches]
    )
    train, val = split(labels)
    for spec in args.specs:
        x = features(args.binary, args.data, spec, args.every)
        found = knn(x[train], labels[train], x[val], labels[val], (5, 10, 15, 20, 30))
        k = max(found, key=found.get)
        linear = ridge(x[train], labels[train], x[val], labels[val])
        print(f"{spec}: {x.shape[1]} numbers, knn {found[k]:.4f} (k={k}), ridge {linear:.4f}", flush=True)


if __name__ == "__main__":
    main()
