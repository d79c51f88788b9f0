"""faiss: IndexFlatL2 on all queries, IndexFlat with METRIC_L1 on some. Both take float32."""

import faiss
import numpy as np

from measurement import Clock, Measurement

L1_QUERIES = 300
QUICK = {"l1": 100, "l2": 1000}


def measure(job):
    faiss.omp_set_num_threads(job.threads)
    queries = job.part(L1_QUERIES if job.contest == "l1" else None, QUICK[job.contest]).astype(np.float32)
    train = job.images.train.astype(np.float32)
    if job.contest == "l1":
        index, name = faiss.IndexFlat(train.shape[1], faiss.METRIC_L1), "IndexFlat METRIC_L1"
    else:
        index, name = faiss.IndexFlatL2(train.shape[1]), "IndexFlatL2"
    clock = Clock()
    with clock.running("add"):
        index.add(train)
    with clock.running("search"):
        distances, _ = index.search(queries, job.k)
    return Measurement(
        system=f"faiss {faiss.__version__} {name}",
        what="add and search, float32",
        found=distances,
        # A sum of 3072 differences of bytes is below 2^24, so that float32 holds every partial sum.
        exact=job.contest == "l1",
        threads=job.threads,
        fixed_seconds=clock["add"],
        item_seconds=clock["search"],
        # Its L1 has loops of its own.
        blas="faiss_cpu" if job.contest == "l2" else None,
    )
