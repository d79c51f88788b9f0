"""NumKong: packed bytes, blocks of Euclidean distances; it has no search, so NumPy selects the k smallest."""

from concurrent.futures import ThreadPoolExecutor

import numkong
import numpy as np

from measurement import Clock, Measurement

BLOCK = 128  # queries a call: their distances to 50,000 rows are 26 MB
TRIAL = 4  # blocks a thread, to find out whether threads help
QUICK = 8 * BLOCK  # queries, with one block a thread on trial


def measure(job):
    queries = job.part(quick=QUICK)
    clock = Clock()
    with clock.running("pack"):
        packed = numkong.dots_pack(job.images.train)

    trial = queries[: BLOCK * (1 if job.quick else TRIAL) * job.threads]
    seconds = {}
    for threads in sorted({1, job.threads}):
        search(trial[: BLOCK * threads], packed, job.k, threads)
        trial_clock = Clock()
        with trial_clock.running("search"):
            search(trial, packed, job.k, threads)
        seconds[threads] = trial_clock["search"]
    threads = min(seconds, key=seconds.get)

    with clock.running("search"):
        distances = search(queries, packed, job.k, threads)
    # The library's own part, so that NumPy's selection is not held against it.
    with clock.running("distances"):
        blocks(lambda block: numkong.euclideans_packed(block, packed) and None, trial, threads)
    share = min(1.0, clock["distances"] / seconds[threads])
    shown = ", ".join(f"{value:.2f} s with {count}" for count, value in seconds.items())
    return Measurement(
        system=f"NumKong {numkong.__version__} euclideans_packed",
        what="pack, distances, argpartition by NumPy, bytes",
        found=distances.astype(np.float64) ** 2,
        exact=False,
        threads=threads,
        fixed_seconds=clock["pack"],
        item_seconds=clock["search"],
        notes=[f"distances alone {share:.0%} of it", f"{len(trial)} queries on trial: {shown}"],
    )


def search(queries, packed, k, threads):
    def nearest(block):
        distances = np.asarray(numkong.euclideans_packed(block, packed))
        index = np.argpartition(distances, k - 1, axis=1)[:, :k]
        return np.sort(np.take_along_axis(distances, index, axis=1), axis=1)

    return np.concatenate(blocks(nearest, queries, threads))


def blocks(work, queries, threads):
    parts = [queries[first : first + BLOCK] for first in range(0, len(queries), BLOCK)]
    if threads == 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))
