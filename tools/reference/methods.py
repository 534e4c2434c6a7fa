"""MoRA, ReLoRA and Flora once more, written from their papers in numpy float64: for the tests of what PEFT does not have.

    python tools/reference/methods.py test/golden/methods

Needs numpy, and torch for its random numbers. Writes `mora.json`, `relora.json` and `flora.json`.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch

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


STRIDE = 1_000_003
RUN_SEED = 7


def drawn(count, shape, fill):
    """The random factor after `count` restarts of a run: torch's numbers, from the seed that the run gives them."""
    generator = torch.Generator().manual_seed(RUN_SEED + count * STRIDE)
    return fill(torch.empty(1, *shape, dtype=torch.float64), generator)[0].numpy()


class Adam:
    def __init__(self, shape):
        self.m, self.v, self.t = np.zeros(shape), np.zeros(shape), 0

    def step(self, gradient, lr):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient**2
        return -lr * (self.m / (1 - 0.9**self.t)) / (np.sqrt(self.v / (1 - 0.999**self.t)) + 1e-8)

    def prune(self, share):
        """One mask for both, by the size of the first."""
        small = np.abs(self.m) <= np.quantile(np.abs(self.m), share)
        self.m[small] = self.v[small] = 0


def relora(rng):
    """Gradients of the weight are given, so the factors' are s G B and s Gᵀ A."""
    m, n, rank, scale, interval, warmup, share, lr, steps = 6, 5, 2, 1.5, 4, 2, 0.6, 0.02, 11
    weight = rng.standard_normal((m, n))
    gradients = rng.standard_normal((steps, m, n))
    uniform = lambda x, g: x.uniform_(-1 / math.sqrt(n), 1 / math.sqrt(n), generator=g)
    W, A, B = weight.copy(), np.zeros((m, rank)), drawn(0, (n, rank), uniform)
    adam_a, adam_b = Adam(A.shape), Adam(B.shape)
    kept, effective = [], []
    for step, G in enumerate(gradients, 1):
        since = (step - 1) % interval
        factor = 1
        if step > interval and since < warmup:
            factor = (since + 1) / (warmup + 1)
        if step > 1 and since == 0:
            W += scale * A @ B.T
            A, B = np.zeros_like(A), drawn((step - 1) // interval, (n, rank), uniform)
            for adam in (adam_a, adam_b):
                adam.prune(share)
            kept.append([int(np.count_nonzero(x)) for adam in (adam_a, adam_b) for x in (adam.m, adam.v)])
        moved_a, moved_b = adam_a.step(scale * G @ B, lr * factor), adam_b.step(scale * G.T @ A, lr * factor)
        A, B = A + moved_a, B + moved_b
        effective.append((W + scale * A @ B.T).tolist())
    facts = {"rank": rank, "scale": scale, "interval": interval, "restartWarmup": warmup, "prune": share, "lr": lr}
    return {**facts, "seed": RUN_SEED, "weight": weight.tolist(), "gradients": gradients.tolist(), "kept": kept,
            "base": W.tolist(), "effective": effective}


def flora(rng):
    """Algorithm 2 of the paper on the weight itself, with the momentum of stochastic gradient descent."""
    m, n, rank, interval, momentum, lr, steps = 6, 5, 2, 4, 0.9, 0.02, 11
    weight = rng.standard_normal((m, n))
    gradients = rng.standard_normal((steps, m, n))
    normal = lambda x, g: x.normal_(0, 1 / math.sqrt(rank), generator=g)
    W, P, M = weight.copy(), drawn(0, (n, rank), normal), np.zeros((m, rank))
    effective = []
    for step, G in enumerate(gradients, 1):
        if step > 1 and (step - 1) % interval == 0:
            following = drawn((step - 1) // interval, (n, rank), normal)
            M, P = M @ P.T @ following, following
        M = momentum * M + G @ P
        W -= lr * M @ P.T
        effective.append(W.tolist())
    facts = {"rank": rank, "interval": interval, "momentum": momentum, "lr": lr}
    given = {"seed": RUN_SEED, "weight": weight.tolist(), "gradients": gradients.tolist()}
    return {**facts, **given, "effective": effective, "adamw": flora_adamw(weight, gradients, rank, interval, lr, normal)}


def flora_adamw(weight, gradients, rank, interval, lr, normal):
    """The same with Adam on the projected gradient; docs/methods/flora.md says what a new projection does to its moments."""
    m, n = weight.shape
    W, P, adam = weight.copy(), drawn(0, (n, rank), normal), Adam((m, rank))
    effective = []
    for step, G in enumerate(gradients, 1):
        if step > 1 and (step - 1) % interval == 0:
            following = drawn((step - 1) // interval, (n, rank), normal)
            adam.m = rank / n * adam.m @ P.T @ following
            adam.v = np.repeat(adam.v.mean(axis=1, keepdims=True), rank, axis=1)
            P = following
        W += adam.step(G @ P, lr) @ P.T
        effective.append(W.tolist())
    return effective


def write(folder, name, content):
    header = {"numpy": np.__version__, "torch": torch.__version__, "drawnFrom": SEED}
    (folder / f"{name}.json").write_text(json.dumps({**header, **content}) + "\n")


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in {"mora": mora, "relora": relora, "flora": flora}.items():
        write(folder, name, make(np.random.default_rng(SEED)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
