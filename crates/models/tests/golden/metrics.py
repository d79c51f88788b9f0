"""Writes metrics.csv beside this file: confusion matrices and what scikit-learn reads off them.

    pip install numpy==2.2.6 scikit-learn==1.9.1
    python metrics.py

Labels are drawn from a formula that tests/metrics_golden.rs repeats. A line is
`table,kind,class,value,...`: `row` has the counts of a true class; `class` precision, recall, F1 and
support of a class (zero_division=0); `macro` the three averages over the classes that occur.
"""

from pathlib import Path

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

# (rows, classes, true labels are below this, predicted ones below that, share of right ones in 256)
TABLES = [
    (1000, 10, 10, 10, 100),
    (60, 7, 7, 3, 20),  # classes that are never predicted
    (60, 7, 3, 7, 20),  # classes without rows
    (40, 9, 4, 5, 250),  # classes that do not occur
    (5, 3, 1, 3, 0),
]


def labels(number):
    """The top byte of a linear congruential generator, three bytes a row: truth, luck, guess."""
    rows, _, below_truth, below_guess, right = TABLES[number]
    state = number
    truth, predicted = [], []
    for _ in range(rows):
        drawn = []
        for _ in range(3):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            drawn.append(state >> 56)
        truth.append(drawn[0] % below_truth)
        predicted.append(truth[-1] if drawn[1] < right else drawn[2] % below_guess)
    return np.array(truth), np.array(predicted)


def main():
    lines = []
    for number, (_, classes, *_) in enumerate(TABLES):
        truth, predicted = labels(number)
        every = list(range(classes))
        for k, row in enumerate(confusion_matrix(truth, predicted, labels=every)):
            lines.append([number, "row", k, *row])
        report = precision_recall_fscore_support(truth, predicted, labels=every, zero_division=0)
        for k, values in enumerate(zip(*report)):
            lines.append([number, "class", k, *(repr(float(v)) for v in values)])
        mean = precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)
        lines.append([number, "macro", "", *(repr(float(v)) for v in mean[:3])])
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    Path(__file__).with_name("metrics.csv").write_text(text)


main()
