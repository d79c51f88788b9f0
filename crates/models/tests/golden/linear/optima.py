"""Least objectives of small problems by an interior-point solver, for linear_exact.rs.

Run: python optima.py > optima.csv   (cvxpy 1.9.3, clarabel 0.11.1)
Rows are bytes made by `pixel` (the same arithmetic stands in the test); z = byte / 255 - mean.
"""

import cvxpy as cp
import numpy as np


def pixel(i, j, label):
    h = (i * 2654435761 + j * 40503 + 12345) % 2**32
    for _ in range(3):
        h ^= h >> 15
        h = h * 2246822519 % 2**32
        h ^= h >> 13
    return min(h % 200 + (40 if j % 7 == label % 7 else 0), 255)


def data(n, d, k):
    y = np.array([(7 * i + i // 5) % k for i in range(n)])
    x = np.array([[pixel(i, j, y[i]) for j in range(d)] for i in range(n)], float)
    z = x / 255
    return z - z.mean(0), y


def optimum(n, d, k, loss, penalty, lam, beta):
    z, y = data(n, d, k)
    w, b = cp.Variable((k, d)), cp.Variable(k)
    s = z @ w.T + np.ones((n, 1)) @ cp.reshape(b, (1, k), order="C")
    one_hot = np.eye(k)[y]
    at_label = cp.sum(cp.multiply(one_hot, s), axis=1)
    other = 1 - one_hot
    margins = 1 + s - cp.reshape(at_label, (n, 1), order="C") @ np.ones((1, k))
    if loss == "svm":
        total = cp.sum(cp.multiply(other, cp.pos(margins)))
    elif loss == "svm-squared":
        total = cp.sum(cp.multiply(other, cp.square(cp.pos(margins))))
    elif loss == "one-vs-all":
        total = cp.sum(cp.pos(1 - cp.multiply(2 * one_hot - 1, s)))
    elif loss == "crammer-singer":
        total = cp.sum(cp.max(cp.multiply(other, cp.pos(margins)), axis=1))
    else:
        total = cp.sum(cp.log_sum_exp(s, axis=1) - at_label)
    squares, sizes = cp.sum_squares(w), cp.sum(cp.abs(w))
    r = {"none": 0, "l2": squares, "l1": sizes, "elastic": beta * squares + sizes}[penalty]
    problem = cp.Problem(cp.Minimize(total / n + lam * r))
    tight = dict(tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    problem.solve(solver=cp.CLARABEL, **tight)
    assert problem.status in ("optimal", "optimal_inaccurate"), problem.status
    return problem.value


print("n,d,classes,loss,penalty,lambda,beta,objective")
LOSSES = ["svm", "svm-squared", "one-vs-all", "crammer-singer", "softmax"]
cases = [(120, 6, 4, loss, penalty, 0.01, 0.5) for loss in LOSSES for penalty in ["none", "l2", "l1", "elastic"]]
cases += [(40, 60, 3, loss, "l2", 0.002, 0.0) for loss in LOSSES]
HINGES = ["svm", "one-vs-all", "crammer-singer"]
cases += [(40, 60, 3, loss, penalty, 0.002, 0.5) for loss in HINGES for penalty in ["l1", "elastic"]]
# Fewer rows than columns, separable with large margins: like a few hundred images.
cases += [(90, 300, 5, loss, "l2", 0.0001, 0.0) for loss in HINGES]
cases += [(500, 48, 10, "svm", "l2", 0.001, 0.0)]
for case in cases:
    print(",".join(map(str, case)) + f",{optimum(*case):.12g}", flush=True)
