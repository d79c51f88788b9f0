"""Recall: the share of the true nearest that were found."""

import numpy as np

ROUNDING = 1e-5  # of squared distances in float32


def recall_of(true, found):
    """Distances `queries x k`, ascending. Whoever is not farther away than the true k-th is a true neighbour."""
    limit = true[:, -1:] * (1 + ROUNDING)
    return float(np.mean(found <= limit))


def true_distances(train, queries, k):
    """Squared, of a few queries, in float64."""
    train = train.astype(np.float64)
    squares = np.square(train).sum(axis=1)
    rows = []
    for query in queries.astype(np.float64):
        distances = squares + query @ query - 2 * (train @ query)
        rows.append(np.sort(distances)[:k])
    return np.array(rows)
