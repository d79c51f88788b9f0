"""hnswlib: an approximate index, M=16, efConstruction=200. Its queries alone are timed, with the smallest `ef` of a few
that finds 0.95 of the true neighbours of a sample. It takes float32. The graph is kept for the next run."""

import time
from importlib import metadata

import hnswlib
import numpy as np

from measurement import Clock, Measurement
from search.kept import Kept
from search.sample import first_that_finds

QUICK = 1000
GRAPH = {"M": 16, "ef_construction": 200, "random_seed": 0}
SPACE = "l2"
EFS = [10, 20, 30, 40, 50, 60, 80, 100, 150, 200, 400]


def measure(job):
    index, built = graph(job)
    index.set_num_threads(job.threads)

    def search(ef, queries):
        index.set_ef(max(ef, job.k))
        return index.knn_query(queries, k=job.k)[1]

    ef, recall, n_sampled = first_that_finds(EFS, search, job.images, job.k)
    queries = job.part(quick=QUICK).astype(np.float32)
    clock = Clock()
    with clock.running("search"):
        distances = search(ef, queries)
    return Measurement(
        system=f"hnswlib {metadata.version('hnswlib')} M={GRAPH['M']} ef={ef}",
        what="queries alone, approximate, float32",
        found=distances,
        threads=job.threads,
        item_seconds=clock["search"],
        notes=[f"recall {recall:.3f} on {n_sampled} queries", built],
    )


def graph(job):
    """The index, and what building it took, in words."""
    train = job.images.train
    kept = Kept(job.kept, "hnswlib", {"version": metadata.version("hnswlib"), "space": SPACE} | GRAPH, train)
    index = hnswlib.Index(space=SPACE, dim=train.shape[1])
    about = kept.find()
    if about is not None:
        index.load_index(str(kept.file), max_elements=len(train))
        return index, (f"index of an earlier run; building it took {about['seconds']:.0f} s with "
                       f"{about['threads']} threads and is not counted")
    index.init_index(max_elements=len(train), **GRAPH)
    index.set_num_threads(job.threads)
    start = time.perf_counter()
    index.add_items(train.astype(np.float32))
    seconds = time.perf_counter() - start
    fault = kept.keep(index.save_index, {"seconds": seconds, "threads": job.threads})
    built = f"building the index took {seconds:.0f} s and is not counted"
    return index, f"{built}; it could not be kept: {fault}" if fault else built
