"""Whether peers found the distances that nearplane found, and nearplane those of NumPy's integers.

All k distances of every query that a peer searched are compared. Indices are not: equal distances may be listed in
any order.
"""

import sys

import numpy as np

from finding import Finding
from images import read_folder

SAMPLE = 10  # queries whose distances are recomputed here in integers
ROWS = 5000  # training rows a step, to bound memory


def findings(data, ours, results):
    """`ours`: by contest, what nearplane's --neighbors-out wrote; `results`: what peers found."""
    images = read_folder(data)
    distances, found = {}, []
    for contest, (path,) in ours.items():
        pairs = np.load(path)
        if pairs.dtype != np.uint32 or pairs.ndim != 3 or pairs.shape[::2] != (len(images.test), 2):
            sys.exit(f"{path}: expected uint32 of shape ({len(images.test)}, k, 2), found {pairs.dtype} {pairs.shape}")
        distances[contest] = pairs[:, :, 0].astype(np.int64)
        found.append(check_sample(contest, distances[contest], images.train, images.test))
    for result in results:
        contest, name = result["contest"], result["system"]
        theirs = np.load(result["found"])
        found.append(compare(contest, name, distances[contest], theirs, result["exact"], images.test))
    return found


def check_sample(contest, ours, train, test):
    """Recomputes some queries in integers."""
    sample = np.unique(np.linspace(0, len(test) - 1, SAMPLE, dtype=int))
    faults = []
    for query in sample:
        expected = exact_distances(contest, train, test[query], ours.shape[1])
        if not np.array_equal(expected, ours[query]):
            faults.append(f"{contest}, query {query}: nearplane {ours[query]}, NumPy's integers {expected}")
    return Finding(f"{contest}: NumPy's integers, {len(sample)} queries", faults)


def exact_distances(contest, train, query, k):
    exact = np.empty(len(train), dtype=np.int64)
    for first in range(0, len(train), ROWS):
        difference = train[first : first + ROWS].astype(np.int32) - query.astype(np.int32)
        terms = np.abs(difference) if contest == "l1" else difference * difference
        exact[first : first + ROWS] = terms.sum(axis=1, dtype=np.int64)
    return np.sort(exact)[:k]


def compare(contest, name, ours, theirs, exact, test):
    """Every distance that the peer found. `exact`: the peer's numbers have to be the same integers."""
    if theirs.ndim != 2 or not len(theirs) or len(theirs) > len(ours) or theirs.shape[1] != ours.shape[1]:
        fault = f"{contest}, {name}: distances of shape {theirs.shape}, nearplane's are {ours.shape}"
        return Finding(f"{contest}: {name}", [fault])
    ours, test = ours[: len(theirs)], test[: len(theirs)]
    allowed = np.zeros(ours.shape) if exact else rounding(ours, test)
    difference = np.abs(ours - theirs.astype(np.float64))
    # Not `difference > allowed`, which is false of NaN.
    is_wrong = ~(difference <= allowed)
    faults = []
    if is_wrong.any():
        query, rank = np.argwhere(is_wrong)[0]
        faults.append(f"{contest}, {is_wrong.sum()} distances, the first of query {query}, neighbour {rank}: "
                      f"nearplane {ours[query, rank]}, {name} {theirs[query, rank]}")
    limit = "equal integers"
    if not exact:
        limit = f"largest difference {difference.max():g}, at most {(difference / allowed).max():.0%} of what is allowed"
    return Finding(f"{contest}: {name}, {difference.size} distances, {limit}", faults)


def rounding(ours, test):
    """How far a squared distance |a|^2 + |b|^2 - 2 a.b in float32 may be from the integer.

    Each of the three sums has d terms. Rounding errors have random signs, so that those of a sum grow with the root
    of d (Higham and Mary, 2019): sqrt(d) u (|a|^2 + |b|^2 + 2 |a||b|), at most sqrt(d) 2u (|a|^2 + |b|^2), where
    2u = eps. |b| is at most |a| plus the distance. Rounding a root, and squaring it again, is within this, too.
    """
    length = np.sqrt(np.square(test, dtype=np.float64).sum(axis=1))[:, None]
    other = length + np.sqrt(ours.astype(np.float64))
    return np.sqrt(test.shape[1]) * float(np.finfo(np.float32).eps) * (length**2 + other**2)


def trials():
    """Whether the checks judged an invented case rightly, and what it means if not."""
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (400, 3072), dtype=np.uint8)
    test = rng.integers(0, 256, (12, 3072), dtype=np.uint8)
    k = 5
    for contest in ["l1", "l2"]:
        more = np.stack([exact_distances(contest, train, query, k + 1) for query in test])
        ours = more[:, :k]
        yield not check_sample(contest, ours, train, test).faults, f"{contest}: right distances are refused"
        yield not compare(contest, "equal", ours, ours[:7], True, test).faults, f"{contest}: equal integers are refused"
        for query, rank in [(0, 0), (11, k - 1), (5, 2)]:
            wrong = ours.copy()
            wrong[query, rank] += 1
            yield compare(contest, "one more", ours, wrong, True, test).faults, f"{contest}: one more is not caught"
        wrong = ours.copy()
        wrong[0, 0] -= 1
        yield check_sample(contest, wrong, train, test).faults, f"{contest}: a wrong sample is not caught"

    a, b = test.astype(np.float32), train.astype(np.float32)
    expanded = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    rounded = np.sort(expanded, axis=1)[:, :k]
    yield not compare("l2", "float32", ours, rounded, False, test).faults, "rounded distances are refused"
    missed = ours.astype(np.float64)
    missed[3] = more[3, 1:]
    yield compare("l2", "missed", ours, missed, False, test).faults, "a missed neighbour is not caught"
    unknown = rounded.copy()
    unknown[2, 1] = np.nan
    yield compare("l2", "nan", ours, unknown, False, test).faults, "NaN is not caught"
    yield compare("l2", "fewer", ours, rounded[:, :-1], False, test).faults, "a missing column is not caught"
    yield compare("l2", "none", ours, rounded[:0], False, test).faults, "no distances at all are not caught"
