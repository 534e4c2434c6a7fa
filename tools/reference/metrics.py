"""Metrics of random and hard cases, from scikit-learn and scipy.

    python tools/reference/metrics.py test/golden/metrics.json

Needs scikit-learn 1.9.1, scipy 1.17.1 and numpy. What is not a number is written as null.
"""

import json
import math
import sys
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

SEED = 20251124


def classification(rng):
    cases = {
        "random of two": (rng.integers(0, 2, 40), rng.integers(0, 2, 40)),
        "mostly right": (labels := rng.integers(0, 2, 60), np.where(rng.random(60) < 0.8, labels, 1 - labels)),
        "rare positives": ((rng.random(80) < 0.05).astype(int), (rng.random(80) < 0.1).astype(int)),
        "three classes": (rng.integers(0, 3, 50), rng.integers(0, 3, 50)),
        "classes of which one is never predicted": (rng.integers(0, 3, 50), rng.integers(0, 2, 50)),
        "all right": (labels, labels),
        "all wrong": (labels, 1 - labels),
        "predictions all 0": (labels, np.zeros(60, int)),
        "predictions all 1": (labels, np.ones(60, int)),
        "one class, 1": (np.ones(9, int), rng.integers(0, 2, 9)),
        "one class, 0": (np.zeros(9, int), rng.integers(0, 2, 9)),
        "one class, predicted": (np.ones(5, int), np.ones(5, int)),
        "one class, the other predicted": (np.zeros(5, int), np.ones(5, int)),
        "class 1 nowhere": (np.zeros(5, int), np.zeros(5, int)),
        "one row": (np.array([1]), np.array([1])),
        "one row, wrong": (np.array([1]), np.array([0])),
    }
    for name, (labels, predictions) in cases.items():
        binary = set(labels) | set(predictions) <= {0, 1}
        yield {
            "name": name,
            "labels": labels.tolist(),
            "predictions": predictions.tolist(),
            "accuracy": float(accuracy_score(labels, predictions)),
            "matthews": float(matthews_corrcoef(labels, predictions)),
            **({"f1": float(f1_score(labels, predictions, zero_division=0.0))} if binary else {}),
        }


def correlation(rng):
    x = rng.normal(size=50)
    cases = {
        "random": (x, rng.normal(size=50)),
        "related": (x, x + 0.3 * rng.normal(size=50)),
        "reversed": (x, -x),
        "monotone": (x, np.exp(3 * x)),
        "ties": (rng.integers(0, 6, 50) / 1.0, rng.integers(0, 4, 50) / 2.0),
        "scores of STS-B": (np.round(rng.random(50) * 25) / 5, np.clip(rng.normal(2.5, 2, 50), 0, 5)),
        "large offset": (x + 1e8, x * 2 + rng.normal(size=50) * 0.1),
        "huge": (x * 1e200, rng.normal(size=50) * 1e200),
        "tiny": (x * 1e-200, rng.normal(size=50)),
        "constant predictions": (x, np.full(50, 2.5)),
        "constant labels": (np.zeros(50), x),
        "two rows": (np.array([1.0, 2.0]), np.array([4.0, 3.0])),
        "infinite": (x, np.where(np.arange(50) == 3, np.inf, x)),
    }
    for name, (a, b) in cases.items():
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pearson, spearman = stats.pearsonr(a, b).statistic, stats.spearmanr(a, b).statistic
        numbers = lambda values: [v if math.isfinite(v) else "Infinity" for v in values.tolist()]
        number = lambda v: float(v) if math.isfinite(v) else None
        yield {"name": name, "a": numbers(a), "b": numbers(b), "pearson": number(pearson), "spearman": number(spearman)}


def wilson():
    for right, count in [(0, 1), (1, 1), (0, 5), (5, 5), (0, 20), (9, 10), (64, 128), (1, 1000), (999, 1000)]:
        interval = stats.binomtest(right, count).proportion_ci(confidence_level=0.95, method="wilson")
        yield {"right": right, "count": count, "low": float(interval.low), "high": float(interval.high)}


def main(path):
    rng = np.random.default_rng(SEED)
    versions = {"sklearn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__, "seed": SEED}
    golden = {
        **versions,
        "classification": list(classification(rng)),
        "correlation": list(correlation(rng)),
        "wilson": list(wilson()),
    }
    with open(path, "w") as file:
        json.dump(golden, file, allow_nan=False)
        file.write("\n")


main(*sys.argv[1:])
