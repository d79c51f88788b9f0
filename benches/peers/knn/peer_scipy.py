"""SciPy's cdist, which works in float64 on one thread, and NumPy's selection of the k smallest."""

import numpy as np
import scipy
from scipy.spatial.distance import cdist

from measurement import Clock, Measurement

QUERIES = 100
QUICK = 20
METRICS = {"l1": "cityblock", "l2": "sqeuclidean"}


def measure(job):
    queries, train = job.part(QUERIES, QUICK).astype(np.float64), job.images.train.astype(np.float64)
    clock = Clock()
    with clock.running("search"):
        distances = cdist(queries, train, METRICS[job.contest])
        nearest = np.argpartition(distances, job.k - 1, axis=1)[:, : job.k]
        found = np.sort(np.take_along_axis(distances, nearest, axis=1), axis=1)
    return Measurement(
        system=f"SciPy {scipy.__version__} cdist",
        what="cdist, and argpartition by NumPy, float64",
        found=found,
        # float64 holds every sum of 3072 differences of bytes, and of their squares.
        exact=True,
        threads=1,
        item_seconds=clock["search"],
    )
