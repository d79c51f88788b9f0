"""The lecture's own loop: one query at a time against all rows, in NumPy. It runs on one thread."""

import numpy as np

from measurement import Clock, Measurement

QUERIES = 5
QUICK = 1


def measure(job):
    # Bytes would wrap around in the subtraction.
    queries, train = job.part(QUERIES, QUICK).astype(np.float32), job.images.train.astype(np.float32)
    clock, found = Clock(), []
    for query in queries:
        with clock.running("search"):
            if job.contest == "l1":
                distances = np.sum(np.abs(train - query), axis=1)
            else:
                distances = np.sqrt(np.sum(np.square(train - query), axis=1))
            nearest = np.argsort(distances)[: job.k]
        found.append(distances[nearest].astype(np.float64))
    found = np.stack(found)
    return Measurement(
        system=f"NumPy {np.__version__}, the lecture's loop",
        what="a query at a time, float32",
        found=found**2 if job.contest == "l2" else found,
        exact=job.contest == "l1",
        threads=1,
        item_seconds=clock["search"],
    )
