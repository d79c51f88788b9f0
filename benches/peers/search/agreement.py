"""As `knn/agreement.py`, and how many of the true neighbours an approximate index has found."""

import sys

import numpy as np

from finding import Finding
from knn import agreement as exact
from search.recall import recall_of

APPROXIMATE = "hnswlib"
WANTED = 0.95  # recall, as the peer was told to reach on a sample
ALLOWED = 0.02  # by which all queries may fall short of the sample


def findings(data, ours, results):
    approximate = [result for result in results if result["peer"] == APPROXIMATE]
    found = exact.findings(data, ours, [result for result in results if result["peer"] != APPROXIMATE])
    for result in approximate:
        (path,) = ours[result["contest"]]
        distances = np.load(path)[:, :, 0].astype(np.float64)
        found.append(check_recall(result["contest"], result["system"], distances, np.load(result["found"])))
    return found


def check_recall(contest, name, ours, theirs):
    """A neighbour is found if its distance is not above that of the true k-th, but for rounding in float32."""
    if theirs.shape != ours.shape:
        return Finding(f"{contest}: {name}", [f"{contest}, {name}: shape {theirs.shape}, nearplane's is {ours.shape}"])
    recall = recall_of(ours, theirs)
    faults = []
    if not recall >= WANTED - ALLOWED:
        faults.append(f"{contest}, {name}: recall {recall:.3f}, wanted {WANTED} - {ALLOWED}")
    return Finding(f"{contest}: {name}, recall {recall:.3f}", faults)


def trials():
    yield from exact.trials()
    ours = np.arange(1.0, 41.0).reshape(4, 10) * 1000
    yield not check_recall("l2", "equal", ours, ours).faults, "equal distances are refused"
    missed = ours.copy()
    missed[:, 8:] += 20000
    yield check_recall("l2", "missed", ours, missed).faults, "two missed neighbours of ten are not caught"
    yield check_recall("l2", "fewer", ours, ours[:2]).faults, "missing queries are not caught"
    yield check_recall("l2", "nan", ours, ours * np.nan).faults, "NaN is not caught"
