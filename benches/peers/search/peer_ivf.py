"""faiss IndexIVFFlat: an approximate index of 256 lists. Its queries alone are timed, with the smallest `nprobe` of a
few that finds 0.95 of the true neighbours of a sample. It takes float32."""

import time

import faiss
import numpy as np

from measurement import Clock, Measurement
from search.sample import first_that_finds

LISTS = 256
QUICK = 1000
PROBES = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, LISTS]


def measure(job):
    faiss.omp_set_num_threads(job.threads)
    train, queries = job.images.train.astype(np.float32), job.part(quick=QUICK).astype(np.float32)
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(train.shape[1]), train.shape[1], LISTS)
    start = time.perf_counter()
    index.train(train)
    index.add(train)
    built = time.perf_counter() - start

    def search(nprobe, queries):
        index.nprobe = nprobe
        return index.search(queries, job.k)[0]

    nprobe, recall, n_sampled = first_that_finds(PROBES, search, job.images, job.k)
    clock = Clock()
    with clock.running("search"):
        distances = search(nprobe, queries)
    return Measurement(
        system=f"faiss {faiss.__version__} IndexIVFFlat nprobe={nprobe}",
        what="queries alone, approximate, float32",
        found=distances,
        threads=job.threads,
        item_seconds=clock["search"],
        notes=[f"recall {recall:.3f} on {n_sampled} queries",
               f"train and add took {built:.0f} s for {LISTS} lists and are not counted"],
        blas="faiss_cpu",
    )
