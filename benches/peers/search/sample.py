"""How an approximate index is told how far to look: by the true neighbours of a sample."""

import numpy as np

from search.recall import WANTED, recall_of, true_distances

SAMPLE = 200


def first_that_finds(settings, search, images, k):
    """The smallest of the settings whose recall is at least what is wanted, else the last, its recall, and how many
    queries said so. `search(setting, queries)` returns squared distances of float32 queries."""
    chosen = np.unique(np.linspace(0, len(images.test) - 1, SAMPLE, dtype=int))
    true = true_distances(images.train, images.test[chosen], k)
    queries = images.test[chosen].astype(np.float32)
    for setting in settings:
        recall = recall_of(true, search(setting, queries))
        if recall >= WANTED:
            break
    return setting, recall, len(chosen)
