"""hnswlib: an approximate index, M=16, efConstruction=200. Its queries alone are timed, with the smallest `ef` of a few that
finds 0.95 of the true neighbours of a sample. It takes float32."""

import time

import hnswlib
import numpy as np

from measurement import Clock, Measurement
from search.recall import recall_of, true_distances

WANTED = 0.95
SAMPLE = 200
EFS = [10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 400]


def measure(job):
    train, queries = job.images.train.astype(np.float32), job.images.test.astype(np.float32)
    index = hnswlib.Index(space="l2", dim=train.shape[1])
    index.init_index(max_elements=len(train), M=16, ef_construction=200, random_seed=0)
    index.set_num_threads(job.threads)
    start = time.perf_counter()
    index.add_items(train)
    built = time.perf_counter() - start
    chosen = np.unique(np.linspace(0, len(queries) - 1, SAMPLE, dtype=int))
    true = true_distances(job.images.train, job.images.test[chosen], job.k)
    for ef in EFS:
        index.set_ef(max(ef, job.k))
        recall = recall_of(true, index.knn_query(queries[chosen], k=job.k)[1])
        if recall >= WANTED:
            break
    clock = Clock()
    with clock.running("search"):
        _, distances = index.knn_query(queries, k=job.k)
    return Measurement(
        system=f"hnswlib {version()} M=16 ef={ef}",
        what="queries alone, approximate, float32",
        found=distances,
        threads=job.threads,
        item_seconds=clock["search"],
        notes=[f"recall {recall:.3f} on {len(chosen)} queries; building the index took {built:.0f} s and is not counted"],
    )


def version():
    from importlib.metadata import version as of

    return of("hnswlib")
