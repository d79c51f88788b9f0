"""scikit-learn's KNeighborsClassifier, brute force on float32."""

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier

from measurement import Clock, Measurement

QUERIES = {"l1": 100, "l2": 2000}
QUICK = {"l1": 20, "l2": 200}
METRICS = {"l1": "manhattan", "l2": "euclidean"}


def measure(job):
    queries = job.part(QUERIES[job.contest], QUICK[job.contest]).astype(np.float32)
    train = job.images.train.astype(np.float32)
    metric = METRICS[job.contest]
    model = KNeighborsClassifier(job.k, algorithm="brute", metric=metric, n_jobs=job.threads)
    clock = Clock()
    with clock.running("fit"):
        model.fit(train, job.images.train_labels)
    with clock.running("search"):
        distances, _ = model.kneighbors(queries)
    distances = distances.astype(np.float64)
    return Measurement(
        system=f"scikit-learn {sklearn.__version__} KNeighborsClassifier",
        what="fit and kneighbors, brute, float32",
        found=distances**2 if job.contest == "l2" else distances,
        exact=job.contest == "l1",
        threads=job.threads,
        fixed_seconds=clock["fit"],
        item_seconds=clock["search"],
        # What its brute force multiplies matrices with.
        blas="scipy" if job.contest == "l2" else None,
    )
