"""Writes the pairs of answers of math-verify's own tests that have one formula between dollar signs on each side.

    git clone https://github.com/huggingface/Math-Verify CLONE && git -C CLONE checkout 5d148cf
    pip install math-verify==0.9.0 pytest; python tools/reference/math_verify_tests.py CLONE PAIRS.json

They are the rows of the tests' tables (`parametrize`), with the verdict that the test expects.
"""

import importlib
import json
import pathlib
import re
import sys

FORMULA = re.compile(r"\$(?:[^$\\]|\\.)+\$", re.S)


def tables(module):
    for test in vars(module).values():
        for mark in getattr(test, "pytestmark", []):
            if mark.name == "parametrize":
                names, cases = mark.args[:2]
                names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
                for case in cases:
                    values = getattr(case, "values", case)
                    yield test.__name__, dict(zip(names, values if isinstance(values, (tuple, list)) else [values]))


def main(clone, target):
    sys.path.insert(0, clone)
    pairs = []
    for path in sorted(pathlib.Path(clone, "tests").glob("test_*.py")):
        for kind, case in tables(importlib.import_module(f"tests.{path.stem}")):
            a, b = case.get("gold"), case.get("pred")
            expected = case.get("expected", case.get("result"))
            if all(isinstance(side, str) and FORMULA.fullmatch(side) for side in (a, b)):
                pairs.append({"kind": kind, "a": a, "b": b, "isEqual": bool(expected)})
    with open(target, "w") as file:
        json.dump(pairs, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
