"""Whether peers computed the features that nearplane computed: every number of every image that a peer was given."""

import numpy as np

from finding import Finding
from images import read_folder

ALLOWED = 1e-4  # largest difference of two numbers
ROWS = 5000  # images a step, to bound memory


def findings(data, ours, results):
    """`ours`: by contest, the files of nearplane for the training and the test images; `results`: what peers found."""
    images = read_folder(data)
    expected = [len(images.train), len(images.test)]
    features, found = {}, []
    for contest, paths in ours.items():
        features[contest] = [np.load(path, mmap_mode="r") for path in paths]
        found.append(check_form(contest, features[contest], expected))
    if any(finding.faults for finding in found):
        return found
    for result in results:
        contest = result["contest"]
        theirs = np.load(result["found"], mmap_mode="r")
        found.append(compare(contest, result["system"], features[contest], theirs, result["every"]))
    return found


def check_form(contest, ours, expected):
    """One matrix of finite float32 for each split."""
    shapes = [part.shape for part in ours]
    what = f"{contest}: nearplane wrote {' and '.join(map(str, shapes))} numbers, all finite"
    is_matrix = all(part.ndim == 2 and part.dtype == np.float32 for part in ours)
    if not is_matrix or [len(part) for part in ours] != expected or len({part.shape[1] for part in ours}) != 1:
        kinds = ", ".join(f"{part.dtype} {part.shape}" for part in ours)
        return Finding(what, [f"{contest}: expected float32 matrices of {expected} images, nearplane wrote {kinds}"])
    faults = []
    for first, rows in steps(ours):
        is_finite = np.isfinite(rows)
        if not is_finite.all():
            image, column = np.argwhere(~is_finite)[0]
            faults.append(f"{contest}, image {first + image}, number {column}: nearplane {rows[image, column]}")
            break
    return Finding(what, faults)


def compare(contest, name, ours, theirs, every):
    """Each `every`-th image, counted through both splits, in every number."""
    shape = (len(range(0, sum(map(len, ours)), every)), ours[0].shape[1])
    if theirs.shape != shape:
        fault = f"{contest}, {name}: features of shape {theirs.shape}, nearplane's are {shape}"
        return Finding(f"{contest}: {name}", [fault])
    largest, n_wrong, fault = 0.0, 0, None
    for first, rows in steps(ours):
        taken = np.arange(-first % every, len(rows), every)
        images = first + taken
        there = theirs[images // every].astype(np.float64)
        difference = np.abs(rows[taken] - there)
        # Not `difference > ALLOWED`, which is false of NaN.
        is_wrong = ~(difference <= ALLOWED)
        if fault is None and is_wrong.any():
            row, column = np.argwhere(is_wrong)[0]
            fault = (f"the first of image {images[row]}, number {column}: "
                     f"nearplane {rows[taken[row], column]:g}, {name} {there[row, column]:g}")
        n_wrong += int(is_wrong.sum())
        largest = max(largest, float(difference.max(initial=0.0)))
    faults = [f"{contest}, {n_wrong} numbers, {fault}"] if n_wrong else []
    what = f"{contest}: {name}, {shape[0]} images of {shape[1]} numbers, largest difference {largest:.2g}"
    return Finding(f"{what}, allowed {ALLOWED:g}", faults)


def steps(ours):
    """Number of the first image, and some rows, through both splits."""
    start = 0
    for part in ours:
        for first in range(0, len(part), ROWS):
            yield start + first, part[first : first + ROWS]
        start += len(part)


def trials():
    """Whether the checks judged an invented case rightly, and what it means if not."""
    rng = np.random.default_rng(0)
    # More than one step, and a test split whose first image is not a multiple of 7.
    ours = [rng.random((ROWS + 16, 3), dtype=np.float32), rng.random((40, 3), dtype=np.float32)]
    sizes = [len(part) for part in ours]
    whole = np.concatenate(ours).astype(np.float64)
    yield not check_form("hog", ours, sizes).faults, "the right form is refused"
    yield check_form("hog", ours, sizes[::-1]).faults, "a wrong number of images is not caught"
    yield check_form("hog", [ours[0], ours[1][:, :2]], sizes).faults, "splits of two widths are not caught"
    yield check_form("hog", [part.astype(np.float64) for part in ours], sizes).faults, "float64 is not caught"
    for part, row in [(0, 0), (0, ROWS + 3), (1, 39)]:
        wrong = [rows.copy() for rows in ours]
        wrong[part][row, 1] = np.inf
        yield check_form("hog", wrong, sizes).faults, "infinity is not caught"
    for every in [1, 7, 30]:
        theirs = whole[::every]
        yield not compare("hog", "equal", ours, theirs, every).faults, f"every {every}: equal features are refused"
        near = compare("hog", "near", ours, theirs + 0.9 * ALLOWED, every)
        yield not near.faults, f"every {every}: features within the limit are refused"
        for image in [0, len(theirs) // 2, len(theirs) - 1]:
            for difference in [1.1 * ALLOWED, -1.1 * ALLOWED, np.nan]:
                wrong = theirs.copy()
                wrong[image, 2] += difference
                far = compare("hog", "far", ours, wrong, every)
                yield far.faults, f"every {every}: {difference:g} more in image {image} is not caught"
        moved = compare("hog", "moved", ours, np.roll(theirs, 1, axis=0), every)
        yield moved.faults, f"every {every}: images one further are not caught"
        yield compare("hog", "fewer", ours, theirs[:-1], every).faults, "a missing image is not caught"
    yield compare("hog", "narrow", ours, whole[:, :2], 1).faults, "a missing column is not caught"
    yield compare("hog", "none", ours, whole[:0], 1).faults, "no features at all are not caught"
