"""Golden vectors of a ScaLoRA scaling event -> test/golden/scalora/*.json, in the format of those already there.

  python tools/reference/scalora_golden.py            writes the cases below (numpy 2.4.6, scipy 1.17.1)
  python tools/reference/scalora_golden.py FILE...    solves the inputs of files anew and compares with what they expect
  python tools/reference/scalora_golden.py --random COUNT FOLDER SEED   writes random cases of every kind, for fuzzing

Everything is computed from explicit definitions in float64: the design matrix of the least-squares problem has one
column of length m*n for each column of A and B, and its non-negative minimiser is the best of all supports (checked
against scipy). Nothing is shared with the TypeScript, which only ever sees Gram matrices of size r.
"""

import itertools
import json
import pathlib
import sys

import numpy as np
import scipy.optimize

FOLDER = pathlib.Path(__file__).parents[2] / "test/golden/scalora"
MU, FLOOR, CEILING, RATIO, TAU = 1e-3, 0.1, 3.0, 10.0, 1e-7
SINGULAR = 1e-12


def design(A, B, G):
    """vec(a aT G) for each column a of A, then vec(G b bT) for each column b of B: [m*n, 2r]."""
    columns = [np.outer(a, a @ G) for a in A.T] + [np.outer(G @ b, b) for b in B.T]
    return np.stack([c.ravel() for c in columns], axis=1)


def objective(A, B, G, s, L, eta):
    return float(np.sum((G / L - eta * s**2 * (G @ B @ B.T + A @ A.T @ G)) ** 2))


def column_norms(A, B):
    return np.concatenate([np.linalg.norm(A, axis=0), np.linalg.norm(B, axis=0)])


def unit_columns(A, B):
    normed = lambda X: X / np.where(np.linalg.norm(X, axis=0) > 0, np.linalg.norm(X, axis=0), 1)
    return normed(A), normed(B)


def least_squares(X, y):
    """Exact enough for 1e-9: QR by numpy's lstsq, refined once."""
    w = np.linalg.lstsq(X, y, rcond=None)[0]
    return w + np.linalg.lstsq(X, y - X @ w, rcond=None)[0]


def non_negative(X, y):
    """argmin over w >= 0 of |Xw - y|: the best of all supports whose own minimiser is non-negative."""
    best, weights = float(y @ y), np.zeros(X.shape[1])
    for size in range(1, X.shape[1] + 1):
        for support in map(list, itertools.combinations(range(X.shape[1]), size)):
            w = least_squares(X[:, support], y)
            residual = float(np.sum((X[:, support] @ w - y) ** 2))
            if np.all(w >= 0) and residual < best:
                best, weights = residual, np.zeros(X.shape[1])
                weights[support] = w
    reference = scipy.optimize.nnls(X, y, maxiter=1000)[0]
    assert np.allclose(weights, reference, rtol=1e-6, atol=1e-8 * np.abs(weights).max()), (weights, reference)
    return weights


def skipped(A, B, gA, gB):
    if not A.any() or not B.any():
        return "skip_zero_factor"
    return None if gA.any() or gB.any() else "skip_zero_grad"


def default_factors(A, B, G, rho):
    norms = column_norms(A, B)
    Q = design(*unit_columns(A, B), G)
    lengths = np.linalg.norm(Q, axis=0)
    largest = lengths.max()
    kept = np.flatnonzero((norms > 0) & (lengths > TAU * largest))
    unit, b = Q[:, kept] / lengths[kept], lengths[kept] / largest
    # |[unit; sqrt(mu) I] w - [(1 + mu) G; 0]|^2 has the normal equations (C + mu I) w = (1 + mu) b
    X = np.vstack([unit, np.sqrt(MU) * np.eye(len(kept))])
    y = np.concatenate([(1 + MU) * G.ravel() / largest, np.zeros(len(kept))])
    w, branch = least_squares(X, y), "column"
    if not np.all(w >= 0):
        w, branch = non_negative(X, y), "nnls"
    factors = np.ones(len(norms))
    target = rho * np.clip(np.sqrt(w / b), FLOOR, CEILING)
    factors[kept] = np.clip(target / norms[kept], 1 / RATIO, RATIO)
    return branch, factors


def paper_factors(A, B, G, rho):
    r, norms = A.shape[1], column_norms(A, B)
    Q = design(*unit_columns(A, B), G)
    lengths = np.linalg.norm(Q, axis=0)
    if np.all(lengths > 0):
        unit = Q / lengths
        if np.linalg.eigvalsh(unit.T @ unit)[0] > SINGULAR:
            w = least_squares(unit, G.ravel())
            if np.all(w >= 0):
                return "column", rho * np.sqrt(w / lengths) / norms
    # one factor for all of A and one for all of B
    pair = np.stack([(A @ A.T @ G).ravel(), (G @ B @ B.T).ravel()], axis=1)
    sizes = np.linalg.norm(pair, axis=0)
    if not np.all(sizes > 0):
        return "skip_boundary", np.ones(2 * r)
    v = least_squares(pair / sizes, G.ravel()) / sizes
    if not np.all(v > 0):
        return "skip_boundary", np.ones(2 * r)
    return "scalar", np.repeat(rho * np.sqrt(v), r)


def outcome(inputs, choose):
    I = {key: np.array(value, dtype=np.float64) for key, value in inputs.items()}
    A, B, G, s = I["A"], I["B"], I["G"], float(I["s"])
    rho = 1 / (s * np.sqrt(I["L"] * I["eta"]))
    branch, factors = skipped(A, B, I["gA"], I["gB"]), np.ones(2 * A.shape[1])
    if branch is None:
        branch, factors = choose(A, B, G, rho)
    alpha, beta = np.split(factors, 2)
    new_A, new_B = A * alpha, B * beta
    result = {
        "branch": branch, "objective": objective(new_A, new_B, G, s, float(I["L"]), float(I["eta"])),
        "alpha": alpha, "beta": beta, "W": I["W"] + s * (A @ B.T - new_A @ new_B.T), "A": new_A, "B": new_B,
        "gA": I["gA"] * beta, "gB": I["gB"] * alpha, "mA": I["mA"] * beta, "vA": I["vA"] * beta**2,
        "mB": I["mB"] * alpha, "vB": I["vB"] * alpha**2,
    }
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in result.items()}


def solve(name, note, inputs):
    m, n, r = len(inputs["A"]), len(inputs["B"]), len(inputs["A"][0])
    rho = 1 / (inputs["s"] * np.sqrt(inputs["L"] * inputs["eta"]))
    expected = {"rho": float(rho)}
    for policy, choose in (("default", default_factors), ("paper", paper_factors)):
        expected[policy] = outcome(inputs, choose)
    return {"name": name, "note": note, "m": m, "n": n, "r": r, "inputs": inputs, "expected": expected}


def inputs_of(A, B, G, rng, s=2.0, L=10.0, eta=0.01):
    m, n, r = A.shape[0], B.shape[0], A.shape[1]
    arrays = {
        "A": A, "B": B, "G": G, "W": rng.standard_normal((m, n)), "gA": s * G @ B, "gB": s * G.T @ A,
        "mA": rng.standard_normal((m, r)), "mB": rng.standard_normal((n, r)),
        "vA": rng.random((m, r)), "vB": rng.random((n, r)),
    }
    return {**{key: value.tolist() for key, value in arrays.items()}, "s": s, "L": L, "eta": eta}


def factors_of(rng, m=6, n=5, r=2):
    return rng.standard_normal((m, r)), rng.standard_normal((n, r)), rng.standard_normal((m, n))


def search(seed, make, wanted):
    """The first of a row of seeds whose case is as wanted."""
    for trial in range(100_000):
        inputs = make(np.random.default_rng([seed, trial]))
        if wanted(inputs):
            return inputs
    raise SystemExit("no such case")


def branches(*wanted):
    return lambda inputs: wanted == tuple(outcome(inputs, f)["branch"] for f in (default_factors, paper_factors))


def many_negative(inputs):
    A, B, G = (np.array(inputs[key]) for key in "ABG")
    return (least_squares(design(*unit_columns(A, B), G), G.ravel()) < 0).sum() >= 4


def fresh(rng):
    A, B, G = factors_of(rng)
    return inputs_of(np.zeros_like(A), B, G, rng)


def scaled_A(rng):
    A, B, G = factors_of(rng)
    return inputs_of(A, B * [20.0, 1.0], G, rng, L=4.0)


def duplicates(rng):
    A, B, G = factors_of(rng, r=3)
    A[:, 1] = A[:, 0]
    B[:, 1] = -2 * B[:, 0]
    return inputs_of(A, B, G, rng)


def flat_gradient(rng):
    A, B, _ = factors_of(rng, m=3, n=5, r=3)
    return inputs_of(A, B, np.outer(rng.standard_normal(3), rng.standard_normal(5)), rng)


def orthogonal_column(rng):
    A, B, G = factors_of(rng)
    G[0], A[:, 0] = 0, [1.5, 0, 0, 0, 0, 0]
    return inputs_of(A, B, G, rng)


def aligned(rng):
    a, b, rest = factors_of(rng, r=1)
    away = lambda x: np.eye(len(x)) - x @ x.T / (x.T @ x)
    return inputs_of(a, b, a @ b.T + away(a) @ rest @ away(b), rng)


def plain(**shape):
    return lambda rng: inputs_of(*factors_of(rng, **shape), rng)


CASES = {
    "rank_one": ("r = 1", lambda: search(1, plain(r=1), branches("column", "column"))),
    "rank_one_aligned": (
        "r = 1, G = a bT + what neither sees: both design columns are one; the shortest minimiser",
        lambda: search(2, aligned, branches("column", "scalar")),
    ),
    "alpha_boundary": (
        "scalar optimum at alpha = 0 (A would be zeroed)",
        lambda: search(3, scaled_A, branches("nnls", "skip_boundary")),
    ),
    "a_zero": ("a fresh adapter: A = 0", lambda: fresh(np.random.default_rng(4))),
    "duplicate_columns": (
        "a_1 = a_0 and b_1 = -2 b_0: a singular system, weights shared by the ridge",
        lambda: search(5, duplicates, branches("column", "scalar")),
    ),
    "many_negative": (
        "r = 4: at least four of eight weights negative",
        lambda: search(6, plain(m=7, n=6, r=4), many_negative),
    ),
    "flat_gradient": (
        "G of rank 1 and r = m = 3: a singular system",
        lambda: search(7, flat_gradient, branches("nnls", "scalar")),
    ),
    "orthogonal_column": (
        "a_0 is orthogonal to G: it keeps factor 1",
        lambda: search(8, orthogonal_column, branches("column", "scalar")),
    ),
}


def random_case(rng):
    """Any shape, any scale, any of the degenerations above."""
    m, n = rng.integers(2, 9, 2)
    r = int(rng.integers(1, min(m, n, 4) + 1))
    A, B, G = factors_of(rng, m, n, r)
    A *= 10.0 ** rng.uniform(-3, 1, r)
    B *= 10.0 ** rng.uniform(-3, 1, r)
    kind = rng.integers(0, 8)
    if kind == 0:
        A[:, rng.integers(r)] = 0
    if kind == 1:
        B[:, rng.integers(r)] = 0
    if kind == 2 and r > 1:
        A[:, 1] = A[:, 0] * rng.uniform(-2, 2)
    if kind == 3:
        G = np.outer(rng.standard_normal(m), rng.standard_normal(n))
    if kind == 4:
        G[rng.random(m) < 0.5] = 0
    G = G * 10.0 ** rng.uniform(-20, 6)
    return inputs_of(A, B, G, rng, s=float(2.0 ** rng.integers(-2, 4)), L=float(10 ** rng.uniform(-1, 2)), eta=float(10 ** rng.uniform(-4, -1)))


def write(folder, case):
    path = pathlib.Path(folder) / f"{case['name']}.json"
    path.write_text(json.dumps(case) + "\n")
    print(path.name, {p: case["expected"][p]["branch"] for p in ("default", "paper")})


def compare(path):
    case = json.loads(pathlib.Path(path).read_text())
    ours = solve(case["name"], "", case["inputs"])["expected"]
    for policy in ("default", "paper"):
        theirs = case["expected"][policy]
        errors = {}
        for key, value in ours[policy].items():
            if key == "branch":
                continue
            want = np.array(theirs[key])
            errors[key] = float(np.abs(np.array(value) - want).max() / (np.abs(want).max() or 1))
        worst = max(errors, key=errors.get)
        print(f"{case['name']:36} {policy:8} {theirs['branch']:18} {'same branch' if theirs['branch'] == ours[policy]['branch'] else 'OTHER BRANCH'}  worst {worst} {errors[worst]:.1e}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--random"]:
        for i in range(int(sys.argv[2])):
            write(sys.argv[3], solve(f"random_{i:04}", "", random_case(np.random.default_rng([int(sys.argv[4]), i]))))
    elif len(sys.argv) > 1:
        for file in sys.argv[1:]:
            compare(file)
    else:
        for name, (note, make) in CASES.items():
            write(FOLDER, solve(name, note, make()))
