"""scikit-learn's LogisticRegression with lbfgs, in float32: `exact` to tolerance 1e-6, `exact-30` for 30 iterations."""

import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

from linear.objective import LAMBDA, SCALE, objective, packed
from measurement import Clock, Measurement

ITERATIONS = {"exact": 2000, "exact-30": 30}


def measure(job):
    pixels, labels = job.images.train, job.images.train_labels
    rows = pixels.astype(np.float32) / np.float32(SCALE)
    mean = rows.mean(axis=0, dtype=np.float64)
    rows -= mean.astype(np.float32)
    limit = ITERATIONS[job.contest]
    model = LogisticRegression(C=1 / (2 * len(rows) * LAMBDA), solver="lbfgs", tol=1e-6, max_iter=limit)
    clock = Clock()
    with warnings.catch_warnings(), clock.running("fit"):
        warnings.simplefilter("ignore")
        model.fit(rows, labels)
    steps = int(model.n_iter_[0])
    found = packed(model.coef_, model.intercept_, mean)
    value = objective(found[:, :-1], found[:, -1], pixels, labels)
    stopped = "stopped at the limit" if steps >= limit else "by itself"
    return Measurement(
        system=f"scikit-learn {sklearn.__version__} LogisticRegression",
        what="fit, lbfgs, float32",
        found=found,
        threads=job.threads,
        item_seconds=0.0,
        fixed_seconds=clock["fit"],
        notes=[f"{steps} iterations, {stopped}", f"objective {value:.6f}"],
        objective=value,
        blas="numpy",
    )
