"""MoRA, ReLoRA and Flora once more, written from their papers in numpy float64, for the tests of what PEFT does not have.

    python tools/reference/methods.py test/golden/methods

Needs numpy. Writes `mora.json`, `relora.json` and `flora.json`.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

SEED = 20261124


def mora_width(m, n, rank, kind):
    width = int(math.sqrt((m + n) * rank) + 0.5)
    return width // 2 * 2 if kind == "rotation" else width


def wrap(count, length):
    """[count, length] matrix that repeats a vector until it has `count` numbers."""
    matrix = np.zeros((count, length))
    for i in range(count):
        matrix[i, i % length] = 1
    return matrix


def mora_change(square, m, n, kind):
    """ΔW as the sum over groups of (way out) · square · (way in), each an explicit matrix."""
    width = len(square)
    groups = -(-n // width)
    padded = wrap(groups * width, n)
    into = [padded[g * width : (g + 1) * width] for g in range(groups)]
    if kind == "sharing":
        return wrap(m, width) @ square @ sum(into)
    outputs = np.concatenate([square @ rotation(g, width) @ into[g] for g in range(groups)])
    return wrap(m, groups * width) @ outputs


def rotation(group, width):
    """Turns the pairs (j, j + width/2) by group · 10000^(−2j/width)."""
    half = width // 2
    matrix = np.zeros((width, width))
    for j in range(half):
        angle = group * 10000 ** (-2 * j / width)
        matrix[j, j] = matrix[j + half, j + half] = math.cos(angle)
        matrix[j, j + half] = -math.sin(angle)
        matrix[j + half, j] = math.sin(angle)
    return matrix


def mora(rng):
    cases = []
    for m, n, rank in [(5, 9, 2), (9, 5, 1), (6, 11, 1), (16, 4, 1), (8, 8, 2)]:
        for kind in ["rotation", "sharing"]:
            width = mora_width(m, n, rank, kind)
            if width > min(m, n):
                continue
            square = rng.standard_normal((width, width))
            change = mora_change(square, m, n, kind)
            cases.append(
                {"m": m, "n": n, "rank": rank, "type": kind, "square": square.tolist(), "change": change.tolist()}
            )
    return {"cases": cases}


def write(folder, name, content):
    header = {"numpy": np.__version__, "seed": SEED}
    (folder / f"{name}.json").write_text(json.dumps({**header, **content}) + "\n")


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    write(folder, "mora", mora(np.random.default_rng(SEED)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
