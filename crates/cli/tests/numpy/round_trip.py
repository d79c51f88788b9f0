"""Round trips between NumPy and nearplane: export, load, check, save as other types, feed back, same answer.

Run as `python round_trip.py path/to/nearplane`, or by `cargo xtask ci`. Ends with an error at the first
difference.
"""

import hashlib
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


def hog_of_cells(pixels):
    """scikit-image's HoG of 8-pixel cells, each normalised alone, from its formulas: images x 4 x 4 x 9."""
    images = pixels.reshape(-1, 3, 32, 32).astype("f8")
    gx, gy = np.zeros_like(images), np.zeros_like(images)
    gx[..., :, 1:-1] = images[..., :, 2:] - images[..., :, :-2]
    gy[..., 1:-1, :] = images[..., 2:, :] - images[..., :-2, :]
    strongest = np.hypot(gx, gy).argmax(axis=1)[:, None]
    gx, gy = (np.take_along_axis(g, strongest, 1)[:, 0] for g in (gx, gy))
    length, bins = np.hypot(gx, gy), (np.rad2deg(np.arctan2(gy, gx)) % 180 // 20).astype(int) % 9
    votes = length[..., None] * (bins[..., None] == np.arange(9))
    cells = votes.reshape(-1, 4, 8, 4, 8, 9).sum(axis=(2, 4)) / 64
    return cells / np.sqrt((cells**2).sum(axis=-1, keepdims=True) + 1e-5**2)


def features(folder, x, y):
    """Matrices of features: shape, values, labels, and what the index makes of them."""

    def extracted(spec, out="f.npy", split="test"):
        record = nearplane(folder, "features", "--data", "images", "--features", spec, "--split", split, "--out", out, "--force")
        array = np.load(folder / out)
        check(array.dtype == np.dtype("<f4") and array.shape == (record["rows"], record["cols"]), f"{spec}: {array.shape}")
        return array

    equal(extracted("raw"), x.astype("f4"), "<f4", "features raw")
    equal(np.load(folder / "f.labels.npy"), y, "u1", "labels of features")
    counts = (x.reshape(-1, 3, 1024, 1) // 64 == np.arange(4)).sum(axis=2).reshape(-1, 12)
    colours = extracted("hist:space=rgb,bins=4,norm=none")
    check(np.array_equal(colours, counts), "rgb histogram")
    cells = extracted("hog:mode=skimage,cell=8,block=1,bins=9,norm=l2").reshape(-1, 4, 4, 9)
    check(np.abs(cells - hog_of_cells(x)).max() < 1e-4, "HoG of cells")
    both = extracted("hog+hist")
    alone = [extracted(spec) for spec in ("hog", "hist")]
    equal(both, np.hstack(alone), "<f4", "hog+hist")
    check(np.isfinite(both).all() and both.std(axis=0).max() > 0, "hog+hist says something")
    # One block: several would be brought to one length, which the bare matrix is not.
    extracted("hog:mode=opencv", "train.npy", "train")
    extracted("hog:mode=opencv")
    knn = ["knn", "--k", "1,3,10", "--metric", "l1"]
    fed = ["--x", "train.npy", "--y", "train.labels.npy", "--x-eval", "f.npy", "--y-eval", "f.labels.npy"]
    images = nearplane(folder, *knn, "--data", "images", "--on", "test", "--features", "hog:mode=opencv")
    same(nearplane(folder, *knn, *fed), images, ["answer", "neighbors_answer", "results"], "features fed back")


def model(folder, x, y):
    """A linear model: the header by hand, the checksum, and the accuracy that its numbers have."""
    train = ["train", "--data", "images", "--lambda", 0.01, "--out", "m.safetensors"]
    record = nearplane(folder, *train)
    raw = (folder / "m.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    about = header["__metadata__"]
    check(about["format"] == "nearplane/linear/1" and about["features"] == "raw", "model: metadata")
    check(about["data"] == record["data"]["hash"] and len(json.loads(about["classes"])) == 10, "model: data")
    check(float(about["lambda"]) == record["lambda"] == 0.01, "model: lambda")
    unsealed = raw.replace(about["sha256"].encode(), b"0" * 64)
    check(hashlib.sha256(unsealed).hexdigest() == about["sha256"], "model: checksum")

    def tensor(name):
        entry = header[name]
        check(entry["dtype"] == "F32", f"model: {name} is {entry['dtype']}")
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        return np.frombuffer(raw[start:end], "<f4").reshape(entry["shape"])

    weight, bias = tensor("weight"), tensor("bias")
    check(weight.shape == (10, 3072) and bias.shape == (10,), "model: shapes")
    scores = x.astype("f8") @ weight.T.astype("f8") + bias
    accuracy = (scores.argmax(axis=1) == y).mean()
    check(abs(accuracy - record["train_accuracy"]) < 1e-9, f"model: accuracy {accuracy}")
    shifted = scores - scores.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y]
    objective = losses.mean() + 0.01 * (weight.astype("f8") ** 2).sum() * 255**2
    check(abs(objective - record["objective"]) < 1e-4, f"model: objective {objective}")


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
    features(folder, *arrays[2:])
    model(folder, *arrays[:2])
    refuse(folder, arrays[0])
print(f"NumPy {np.__version__}: {checks} checks passed")
