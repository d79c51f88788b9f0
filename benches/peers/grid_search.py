"""How long scikit-learn's GridSearchCV would take for `nearplane cv knn --folds 5 --k 1..100 --metric l1,l2`, from a part.

The grid is 100 values of k, two metrics and 5 folds: 1000 fits, each of which predicts a fifth of the training images by brute
force among the other four fifths. Some queries of one fold are predicted for two values of k; the time of a query is scaled
to all of them. Run by hand, beside nearplane:

    target/peers-venv/bin/python benches/peers/grid_search.py target/cifar10
    nearplane cv knn --data target/cifar10 --folds 5 --k 1..100 --metric l1,l2
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
from sklearn import __version__
from sklearn.neighbors import KNeighborsClassifier

from images import read_folder

FOLDS, KS = 5, 100
QUERIES = {"manhattan": 60, "euclidean": 1000}
SAMPLED_K = [1, 100]


def main():
    images = read_folder(Path(sys.argv[1])).train.astype(np.float32)
    each = len(images) // FOLDS
    train = images[each:]
    # What a label is does not change the time.
    labels = np.arange(len(train)) % 10
    total = 0.0
    for metric, n in QUERIES.items():
        seconds = []
        for k in SAMPLED_K:
            model = KNeighborsClassifier(k, algorithm="brute", metric=metric, n_jobs=os.cpu_count()).fit(train, labels)
            start = time.perf_counter()
            model.predict(images[:n])
            seconds.append(time.perf_counter() - start)
        a_fit = np.mean(seconds) * each / n
        total += a_fit * KS * FOLDS
        print(f"{metric}: {n} queries against {len(train)} in {seconds} s for k = {SAMPLED_K}; all {each}: {a_fit:.0f} s")
    print(f"scikit-learn {__version__}, {2 * KS * FOLDS} fits, scaled: {total:.0f} s")


if __name__ == "__main__":
    main()
