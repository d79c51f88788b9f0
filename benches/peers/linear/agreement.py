"""Whether nearplane and the peers came to models of the same worth: objectives in float64, and predictions."""

from pathlib import Path

import numpy as np

from finding import Finding
from images import read_folder
from linear.objective import objective, read_model, scores

# By contest: how far nearplane's objective may lie above a peer's and below it, and the share of equal predictions.
# Minibatches of other orders and rates end elsewhere; 30 iterations end before the optimum.
ALLOWED = {"exact": (1e-4, 1e-4, 0.98), "exact-30": (1e-4, 0.2, 0.7), "epoch": (0.2, 0.2, 0.4)}


def findings(data, ours, results):
    """`ours`: by contest, the model of nearplane; `results`: what peers found."""
    images = read_folder(data)
    judged, found = {}, []

    def judge(model):
        weights, bias = model
        value = objective(weights, bias, images.train, images.train_labels)
        return value, scores(weights, bias, images.test).argmax(axis=1)

    for contest, paths in ours.items():
        judged[contest] = judge(read_model(Path(paths[0])))
    for result in results:
        theirs = np.load(result["found"])
        found.append(compare(result["contest"], result["system"], judged[result["contest"]],
                             judge((theirs[:, :-1], theirs[:, -1]))))
    return found


def compare(contest, name, ours, theirs):
    """Each is an objective and the predictions of test rows."""
    above, below, least = ALLOWED[contest]
    relative = (ours[0] - theirs[0]) / theirs[0]
    same = float((ours[1] == theirs[1]).mean()) if len(ours[1]) == len(theirs[1]) else float("nan")
    faults = []
    # Not `>`, which is false of NaN.
    if not -below <= relative <= above:
        faults.append(f"{contest}, {name}: objective {theirs[0]:.6f}, nearplane {ours[0]:.6f} ({relative:+.2g})")
    if not same >= least:
        faults.append(f"{contest}, {name}: {same:.4f} of the predictions are the same, expected {least}")
    what = f"{contest}: {name}, objective {theirs[0]:.6f}, nearplane {ours[0]:.6f}, {same:.4f} of predictions the same"
    return Finding(what, faults)


def trials():
    """Whether the checks judged an invented case rightly, and what it means if not."""
    labels = np.arange(1000) % 10
    for contest, (above, below, least) in ALLOWED.items():
        wrong = labels.copy()
        wrong[: int(1000 * (1 - least)) + 2] = 10
        for value, predicted, is_right in [
            (1.0, labels, True), (1 + 0.9 * above, labels, True), (1 - 0.9 * below, labels, True),
            (1 + 1.1 * above, labels, False), (1 - 1.1 * below, labels, False), (np.nan, labels, False),
            (1.0, wrong, False), (1.0, labels[:-1], False),
        ]:
            faults = compare(contest, "peer", (value, predicted), (1.0, labels)).faults
            yield (not faults) == is_right, f"{contest}: objective {value:g} is misjudged"
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 5), dtype=np.uint8)
    at_zero = objective(np.zeros((10, 5)), np.zeros(10), pixels, labels[:20])
    yield abs(at_zero - np.log(10)) < 1e-12, "the loss of chance is not ln 10"
