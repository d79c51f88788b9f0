"""As `knn/agreement.py`, and how many of the true neighbours an approximate index has found."""

import tempfile
from pathlib import Path

import numpy as np

from finding import Finding
from knn import agreement as exact
from search.kept import Kept
from search.recall import WANTED, recall_of, true_distances

APPROXIMATE = {"hnswlib", "ivf"}
ALLOWED = 0.02  # recall by which all queries may fall short of the sample that the peer was told to reach it on


def findings(data, ours, results):
    approximate = [result for result in results if result["peer"] in APPROXIMATE]
    found = exact.findings(data, ours, [result for result in results if result["peer"] not in APPROXIMATE])
    for result in approximate:
        (path,) = ours[result["contest"]]
        distances = np.load(path)[:, :, 0].astype(np.float64)
        found.append(check_recall(result["contest"], result["system"], distances, np.load(result["found"])))
    return found


def check_recall(contest, name, ours, theirs):
    """A neighbour is found if its distance is not above that of the true k-th, but for rounding in float32. The
    peer has searched the first queries, or all."""
    if theirs.ndim != 2 or not 0 < len(theirs) <= len(ours) or theirs.shape[1] != ours.shape[1]:
        return Finding(f"{contest}: {name}", [f"{contest}, {name}: shape {theirs.shape}, nearplane's is {ours.shape}"])
    recall = recall_of(ours[: len(theirs)], theirs)
    faults = []
    if not recall >= WANTED - ALLOWED:
        faults.append(f"{contest}, {name}: recall {recall:.3f}, wanted {WANTED} - {ALLOWED}")
    return Finding(f"{contest}: {name}, {len(theirs)} queries, recall {recall:.3f}", faults)


def trials():
    yield from exact.trials()
    ours = np.arange(1.0, 41.0).reshape(4, 10) * 1000
    yield not check_recall("l2", "equal", ours, ours).faults, "equal distances are refused"
    missed = ours.copy()
    missed[:, 8:] += 20000
    yield check_recall("l2", "missed", ours, missed).faults, "two missed neighbours of ten are not caught"
    yield not check_recall("l2", "part", ours, ours[:2]).faults, "the first queries are refused"
    yield check_recall("l2", "other", ours, ours[2:]).faults, "other queries than the first are not caught"
    for what, wrong in [("no queries", ours[:0]), ("a missing column", ours[:, :9]), ("too many", ours.repeat(2, 0)),
                        ("NaN", ours * np.nan)]:
        yield check_recall("l2", what, ours, wrong).faults, f"{what}: not caught"
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (300, 3072), dtype=np.uint8)
    expected = [exact.exact_distances("l2", train, query, 4) for query in train[:3]]
    yield np.array_equal(true_distances(train, train[:3], 4), expected), "the true distances of a sample are wrong"
    yield from trials_of_kept(train)


def trials_of_kept(train):
    """An index is used again only if nothing about it has changed."""
    with tempfile.TemporaryDirectory() as folder:
        def kept(made_with=1, rows=train):
            return Kept(Path(folder), "index", {"made with": made_with}, rows)

        yield kept().find() is None, "an index is found where none is"
        said = {"seconds": 2.5, "threads": 2}
        fault = kept().keep(lambda path: Path(path).write_bytes(b"an index"), said)
        found = kept().find()
        yield fault is None and found is not None and said.items() <= found.items(), "a kept index is not found"
        other = train.copy()
        other[-1, -1] ^= 1
        yield kept(made_with=2).find() is None, "an index with other parameters is found"
        yield kept(rows=other).find() is None, "an index of other data is found"
        about = kept().about.read_text(encoding="utf-8")
        for text in ["", "[]", "{}", about.replace("2.5", "null"), about[:-5]]:
            kept().about.write_text(text, encoding="utf-8")
            yield kept().find() is None, f"an index is trusted of which is said: {text}"
        kept().about.write_text(about, encoding="utf-8")
        kept().file.write_bytes(b"on index")
        yield kept().find() is None, "an index that was changed is trusted"
        kept().file.unlink()
        yield kept().find() is None, "an index that is gone is trusted"
        yield Kept(Path(folder) / "none", "index", {}, train).keep(
            lambda path: Path(path).write_bytes(b""), said), "a folder that is not there goes unsaid"
