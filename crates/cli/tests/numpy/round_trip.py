"""Round trips between NumPy and nearplane: export, load, check, save as other types, feed back, same answer.

Run as `python round_trip.py path/to/nearplane`, or by `cargo xtask ci`. Ends with an error at the first
difference.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

NEARPLANE = Path(sys.argv[1]).resolve()
CELLS = ["u1", "<f4", ">f4", "<f8", ">f8"]
LABELS = ["u1", "<u2", ">u2", "<u4", "<u8", ">u8", "i1", "<i2", "<i4", ">i4", "<i8", ">i8"]
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"FAILED: {what}")


def nearplane(folder, *arguments):
    command = [NEARPLANE, *map(str, arguments), "--json", "--quiet"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    check(run.returncode == 0, f"{arguments}: {run.stderr}")
    return json.loads(run.stdout)


def refused(folder, *arguments):
    command = [NEARPLANE, *map(str, arguments), "--json", "--quiet"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    check(run.returncode in (1, 2) and run.stdout == "", f"{arguments} was not refused")
    return run.stderr


def same(record, expected, fields, what):
    for field in fields:
        check(record[field] == expected[field], f"{what}: {field} {record[field]} is not {expected[field]}")


def records(paths, labels):
    data = np.concatenate([np.fromfile(path, "u1") for path in paths]).reshape(-1, labels + 3072)
    return [data[:, label] for label in range(labels)], data[:, labels:]


def equal(array, expected, dtype, what):
    check(array.dtype == np.dtype(dtype), f"{what}: dtype {array.dtype}")
    check(array.shape == expected.shape, f"{what}: shape {array.shape}")
    check(np.array_equal(array, expected), f"{what}: values")


def export(folder):
    """CIFAR-10: what NumPy loads is what the files hold."""
    nearplane(folder, "data", "synth", "--out", "images", "--n-train", 240, "--n-test", 40)
    record = nearplane(folder, "data", "export", "--data", "images", "--out", "arrays")
    check(len(record["files"]) == 4, "four files")
    arrays = {Path(name).stem: np.load(folder / name) for name in record["files"]}
    for split, name in [("train", "data_batch_1.bin"), ("test", "test_batch.bin")]:
        [labels], pixels = records([folder / "images" / name], 1)
        equal(arrays[f"x_{split}"], pixels, "u1", f"x_{split}")
        equal(arrays[f"y_{split}"], labels, "u1", f"y_{split}")
    nearplane(folder, "data", "export", "--data", "images", "--out", "floats", "--dtype", "f32")
    equal(np.load(folder / "floats/x_test.npy"), arrays["x_test"], "<f4", "x_test as floats")
    return [arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")]


def export_cifar_100(folder):
    """Both labels of CIFAR-100."""
    rng = np.random.default_rng(0)
    (folder / "hundred").mkdir()
    for name, n in [("train", 30), ("test", 10)]:
        fine = np.arange(n) % 10
        rows = rng.integers(0, 256, (n, 3072))
        np.column_stack([fine // 5, fine, rows]).astype("u1").tofile(folder / "hundred" / f"{name}.bin")
    record = nearplane(folder, "data", "export", "--data", "hundred", "--out", "hundred-arrays")
    arrays = {Path(name).stem: np.load(folder / name) for name in record["files"]}
    for split in ("train", "test"):
        (coarse, fine), pixels = records([folder / "hundred" / f"{split}.bin"], 2)
        equal(arrays[f"x_{split}"], pixels, "u1", f"CIFAR-100 x_{split}")
        equal(arrays[f"y_{split}"], fine, "u1", f"CIFAR-100 y_{split}")
        equal(arrays[f"y_{split}_coarse"], coarse, "u1", f"CIFAR-100 y_{split}_coarse")


def feed_back(folder, x, y, e, el):
    """The folder's answer, whatever the types of the arrays."""
    knn = ["knn", "--k", "1,3,10", "--metric"]
    exported = ["--x", "arrays/x_train.npy", "--y", "arrays/y_train.npy"]
    evaluated = ["--x-eval", "arrays/x_test.npy", "--y-eval", "arrays/y_test.npy"]
    bits = ["answer", "neighbors_answer", "results", "n_train", "n_eval"]
    for metric in ("l1", "l2"):
        images = nearplane(folder, *knn, metric, "--data", "images", "--on", "test")
        same(nearplane(folder, *knn, metric, *exported, *evaluated), images, bits, f"{metric} exported")
        images = nearplane(folder, *knn, metric, "--data", "images", "--limit", 200)
        same(nearplane(folder, *knn, metric, *exported, "--limit", 200), images, bits, f"{metric} validation")

    # Four bits a pixel: every sum is below 2^24, so that float32 is exact as well.
    x, e = x >> 4, e >> 4
    files = ["--x", "x.npy", "--y", "y.npy", "--x-eval", "e.npy", "--y-eval", "el.npy"]

    def save(cells, labels):
        for name, array in [("x", x.astype(cells)), ("e", e.astype(cells)), ("y", y.astype(labels)), ("el", el.astype(labels))]:
            np.save(folder / f"{name}.npy", array)

    for metric in ("l1", "l2"):
        save("u1", "u1")
        out = ["--neighbors-out", "n.npy", "--predictions", "p.csv", "--force"]
        reference = nearplane(folder, *knn, metric, *files, *out)
        pairs = np.load(folder / "n.npy")
        difference = np.abs(x[None].astype("i8") - e[:, None])
        distances = (difference if metric == "l1" else difference**2).sum(2)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :10]
        equal(pairs[:, :, 1], nearest, "<u4", f"{metric}: indices of neighbours")
        equal(pairs[:, :, 0], np.take_along_axis(distances, nearest, 1), "<u4", f"{metric}: distances")
        predictions = np.loadtxt(folder / "p.csv", delimiter=",", skiprows=1, dtype="i8")
        equal(predictions[:, 2], y[nearest[:, 0]].astype("i8"), "i8", f"{metric}: labels of the nearest")
        for cells in CELLS:
            save(cells, "u1")
            record = nearplane(folder, *knn, metric, *files, *out)
            same(record, reference, ["answer", "results"], f"{metric} {cells}")
            found = np.load(folder / "n.npy")
            equal(found, pairs, "<u4" if cells == "u1" else "<f8", f"{metric} {cells}: neighbours")
        for labels in LABELS:
            save("u1", labels)
            same(nearplane(folder, *knn, metric, *files), reference, bits, f"{metric}, labels {labels}")


def refuse(folder, x):
    """Types that are not read are named."""
    objects = np.empty(x.shape, dtype=object)
    structured = np.zeros(len(x), dtype=[("a", "<f4"), ("b", "<i2")])
    for array, named in [
        (x.astype("f2"), "float16"),
        (x.astype("i8"), "int64"),
        (x.astype("c8"), "complex64"),
        (objects, "never unpickled"),
        (structured, "structured"),
        (np.asfortranarray(x), "np.ascontiguousarray"),
        (x[0], "(3072,)"),
        (np.where(x == x.max(), np.nan, x.astype("f4")), "NaN"),
    ]:
        np.save(folder / "x.npy", array, allow_pickle=True)
        message = refused(folder, "knn", "--x", "x.npy", "--y", "y.npy")
        check(named in message and "x.npy" in message, f"'{named}' is not in: {message}")


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    arrays = export(folder)
    export_cifar_100(folder)
    feed_back(folder, *arrays)
    refuse(folder, arrays[0])
print(f"NumPy {np.__version__}: {checks} checks passed")
