"""Writes paired.csv beside this file: paired comparisons and intervals of means, by SciPy and statsmodels.

    pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    python paired.py

A line is `kind,value,...`:
`mcnemar`: both, only_a, only_b, neither, exact p, mid-p. The exact p is that of whole numbers and fractions; statsmodels
    and SciPy have to agree with it.
`bootstrap`: both, only_a, only_b, neither, low, high: SciPy's percentile interval of many resamples of the rows.
`mean`: overlap, low, high, then the values.
"""

from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

TABLES = [
    (10, 0, 0, 5),
    (0, 1, 0, 0),
    (7, 0, 3, 2),
    (7, 5, 5, 2),
    (7, 6, 5, 2),
    (59, 6, 16, 80),
    (101, 121, 59, 33),
    (3000, 850, 750, 5400),
    (3000, 700, 800, 5500),
    (9000, 12, 31, 957),
    (20000, 5100, 4900, 20000),
    (0, 1200, 400, 0),
]
RESAMPLES = 200_000


def p_values(only_a, only_b):
    n, m = only_a + only_b, min(only_a, only_b)
    below = sum(comb(n, i) for i in range(m))
    exact = min(Fraction(1), Fraction(2 * (below + comb(n, m)), 2**n))
    mid = min(Fraction(1), Fraction(2 * below + comb(n, m), 2**n))
    return float(exact), float(mid)


def main():
    lines = []
    for both, only_a, only_b, neither in TABLES:
        exact, mid = p_values(only_a, only_b)
        table = [[both, only_a], [only_b, neither]]
        assert np.isclose(mcnemar(table, exact=True).pvalue, exact, rtol=1e-9), (table, exact)
        if only_a + only_b:
            assert np.isclose(stats.binomtest(only_a, only_a + only_b).pvalue, exact, rtol=1e-9)
        lines.append(["mcnemar", both, only_a, only_b, neither, repr(exact), repr(mid)])
    for number, (both, only_a, only_b, neither) in enumerate(TABLES[5:10]):
        rows = np.repeat([0, 1, -1], [both + neither, only_a, only_b]).astype("i1")
        found = stats.bootstrap(
            (rows,), np.mean, n_resamples=RESAMPLES, batch=1000, method="percentile", rng=number
        ).confidence_interval
        lines.append(["bootstrap", both, only_a, only_b, neither, repr(float(found.low)), repr(float(found.high))])
    rng = np.random.default_rng(0)
    for n in (2, 3, 5, 10, 50, 1000):
        values = rng.normal(0.4, 0.02, n).round(4)
        for overlap in (0.0, 1 / 4, 1 / 9):
            scale = values.std(ddof=1) * np.sqrt(1 / n + overlap)
            low, high = stats.t.interval(0.95, n - 1, loc=values.mean(), scale=scale)
            lines.append(["mean", overlap, repr(float(low)), repr(float(high)), *(repr(float(v)) for v in values)])
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    Path(__file__).with_name("paired.csv").write_text(text)


main()
