"""Exact k nearest neighbours side by side: faiss, OpenCV and nearplane on the same images, in one run.

All three search the test images of a CIFAR-10-format folder among its training images, with the same number of
threads, one after the other. Before a time is printed the distances of the k neighbours have to agree: exactly for
L1 (integers in OpenCV and nearplane), within the rounding of float32 sums for L2 (faiss). Indices are not compared:
equal distances may be listed in any order by the peers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import numpy as np
except ImportError:
    sys.exit("this script needs numpy: pip install -r benches/peers/requirements.txt")

PIXELS = 3072
RECORD = 1 + PIXELS
OPENCV_BLOCK = 500  # queries a call, to bound OpenCV's memory
SAMPLE = 20  # queries whose distances are recomputed here in integers


def main():
    args = arguments()
    train, test = read_folder(args.data)
    if args.k > len(train):
        sys.exit(f"--k {args.k}: there are {len(train)} training images")
    print(f"{len(test)} queries against {len(train)} rows of {PIXELS} bytes, k = {args.k}, {args.threads} threads")

    # (metric, name) -> seconds for all queries, and a remark
    rows = {}
    faiss_distances = time_faiss(args, train, test, rows)
    opencv_distances = time_opencv(args, train, test, rows)
    faults = []
    for metric, peer, distances in [("l1", "OpenCV", opencv_distances), ("l2", "faiss", faiss_distances)]:
        ours = time_nearplane(args, metric, rows)
        if ours is None:
            continue
        faults += check_sample(metric, ours, train, test)
        if distances is not None:
            faults += compare(metric, peer, ours[: len(distances)], distances, train, test)
    print_table(rows)
    for fault in faults:
        print(f"NOT EQUAL: {fault}")
    sys.exit(1 if faults else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with data_batch_N.bin and test_batch.bin")
    parser.add_argument("--nearplane", type=Path, default=Path("target/release/nearplane"), help="the binary")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--queries", type=int, help="time OpenCV on the first N queries only, and scale")
    args = parser.parse_args()
    for name in ["k", "threads", "queries"]:
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f"--{name} {value}: expected at least 1")
    return args


def read_folder(folder):
    """Pixels of the training and of the test images, n x 3072 bytes each."""
    names = []
    while (folder / f"data_batch_{len(names) + 1}.bin").exists():
        names.append(f"data_batch_{len(names) + 1}.bin")
    if not names:
        sys.exit(f"{folder}: no data_batch_1.bin")

    def read(name):
        try:
            content = np.fromfile(folder / name, dtype=np.uint8)
        except OSError as error:
            sys.exit(f"{folder / name}: {error.strerror}")
        if content.size == 0 or content.size % RECORD:
            sys.exit(f"{folder / name}: {content.size} bytes, expected a multiple of {RECORD}")
        return content.reshape(-1, RECORD)[:, 1:]

    train = np.concatenate([read(name) for name in names])
    return train, np.ascontiguousarray(read("test_batch.bin"))


def time_faiss(args, train, test, rows):
    """Squared L2 by IndexFlatL2, float32. Converting the bytes is not counted."""
    try:
        import faiss
    except ImportError:
        print("faiss: not installed, left out")
        return None
    faiss.omp_set_num_threads(args.threads)
    train, test = train.astype(np.float32), test.astype(np.float32)
    start = time.perf_counter()
    index = faiss.IndexFlatL2(PIXELS)
    index.add(train)
    distances, _ = index.search(test, args.k)
    seconds = time.perf_counter() - start
    rows["l2", f"faiss {faiss.__version__} IndexFlatL2"] = (seconds, "add and search, float32")
    return distances


def time_opencv(args, train, test, rows):
    """L1 by batchDistance on bytes, with integer distances."""
    try:
        import cv2
    except ImportError:
        print("OpenCV: not installed, left out")
        return None
    cv2.setNumThreads(args.threads)
    part = test[: args.queries] if args.queries else test
    found = []
    start = time.perf_counter()
    for first in range(0, len(part), OPENCV_BLOCK):
        block = part[first : first + OPENCV_BLOCK]
        distances, _ = cv2.batchDistance(block, train, cv2.CV_32S, normType=cv2.NORM_L1, K=args.k)
        found.append(distances)
    seconds = time.perf_counter() - start
    remark = "bytes"
    if len(part) < len(test):
        remark = f"bytes; scaled from {len(part)} queries in {seconds:.2f} s"
        seconds *= len(test) / len(part)
    rows["l1", f"OpenCV {cv2.__version__} batchDistance"] = (seconds, remark)
    return np.concatenate(found)


def time_nearplane(args, metric, rows):
    """Runs the binary; returns its distances, [queries, k] (squared for l2), or None if there is no binary."""
    if not args.nearplane.exists():
        print(f"nearplane: no binary at {args.nearplane} (cargo build --release -p nearplane-cli), left out")
        return None
    with tempfile.TemporaryDirectory() as folder:
        neighbors = Path(folder) / "neighbors.npy"
        command = [args.nearplane.resolve(), "knn", "--data", args.data, "--on", "test", "--metric", metric]
        command += ["--k", args.k, "--engine", "brute", "--threads", args.threads]
        command += ["--neighbors-out", neighbors, "--json", "--quiet"]
        start = time.perf_counter()
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=False)
        process_seconds = time.perf_counter() - start
        if done.returncode != 0:
            sys.exit(f"nearplane ended with exit code {done.returncode}")
        record = json.loads(done.stdout)
        pairs = np.load(neighbors)
    expected = (record["n_eval"], args.k, 2)
    if pairs.dtype != np.uint32 or pairs.shape != expected:
        sys.exit(f"nearplane --neighbors-out: expected uint32 of shape {expected}, found {pairs.dtype} {pairs.shape}")
    seconds = record["fit_s"] + record["predict_s"]
    remark = f"fit and predict, {record['simd']}; whole process {process_seconds:.2f} s"
    rows[metric, "nearplane, brute force"] = (seconds, remark)
    return pairs[:, :, 0].astype(np.int64)


def check_sample(metric, distances, train, test):
    """Recomputes some queries in integers."""
    faults = []
    for query in np.unique(np.linspace(0, len(test) - 1, SAMPLE, dtype=int)):
        exact = np.empty(len(train), dtype=np.int64)
        for first in range(0, len(train), 5000):
            difference = train[first : first + 5000].astype(np.int32) - test[query].astype(np.int32)
            terms = np.abs(difference) if metric == "l1" else difference * difference
            exact[first : first + 5000] = terms.sum(axis=1, dtype=np.int64)
        expected = np.sort(exact)[: distances.shape[1]]
        if not np.array_equal(expected, distances[query]):
            faults.append(f"{metric}, query {query}: nearplane {distances[query]}, exact {expected}")
    return faults


def compare(metric, peer, ours, theirs, train, test):
    """All k distances of all queries that the peer searched."""
    difference = np.abs(ours - theirs.astype(np.float64))
    tolerance = 0.0
    if metric == "l2":
        # faiss computes |a|^2 + |b|^2 - 2 a.b in float32: the error grows with the squared lengths.
        tolerance = 16 * float(np.finfo(np.float32).eps) * (longest(train) + longest(test))
    largest = float(difference.max())
    print(f"{metric}: {difference.size} distances of {peer} and nearplane, largest difference {largest:g} "
          f"(allowed {tolerance:.3g})")
    if largest > tolerance:
        query, rank = np.unravel_index(difference.argmax(), difference.shape)
        return [f"{metric}, query {query}, neighbour {rank}: nearplane {ours[query, rank]}, {peer} {theirs[query, rank]}"]
    return []


def longest(rows):
    """The largest squared length of a row."""
    blocks = (rows[first : first + 5000].astype(np.float32) for first in range(0, len(rows), 5000))
    return max(float(np.einsum("ij,ij->i", block, block).max()) for block in blocks)


def print_table(rows):
    print(f"\n{'metric':<7} {'system':<32} {'seconds':>8}  {'ratio':>6}")
    for metric in ["l1", "l2"]:
        ours = next((seconds for (m, name), (seconds, _) in rows.items() if m == metric and "nearplane" in name), None)
        for (row_metric, name), (seconds, remark) in rows.items():
            if row_metric == metric:
                ratio = f"{seconds / ours:.1f}" if ours else "-"
                print(f"{metric:<7} {name:<32} {seconds:>8.2f}  {ratio:>6}  {remark}")
    print("ratio: seconds divided by those of nearplane")


if __name__ == "__main__":
    main()
