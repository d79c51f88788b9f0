"""Recall: the share of the true nearest that were found."""

import numpy as np

WANTED = 0.95  # of an approximate index
ROUNDING = 1e-5  # of squared distances in float32
ROWS = 5000  # training rows a step, to bound memory


def recall_of(true, found):
    """Distances `queries x k`, ascending. Whoever is not farther away than the true k-th is a true neighbour."""
    limit = true[:, -1:] * (1 + ROUNDING)
    return float(np.mean(found <= limit))


def true_distances(train, queries, k):
    """Squared, of a few queries, in float64, whose integers are exact."""
    queries = queries.astype(np.float64)
    lengths = np.square(queries).sum(axis=1)[:, None]
    nearest = np.empty((len(queries), 0))
    for first in range(0, len(train), ROWS):
        rows = train[first : first + ROWS].astype(np.float64)
        distances = lengths + np.square(rows).sum(axis=1) - 2 * (queries @ rows.T)
        nearest = np.sort(np.concatenate([nearest, distances], axis=1), axis=1)[:, :k]
    return nearest
