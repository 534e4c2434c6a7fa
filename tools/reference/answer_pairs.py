"""What math-verify says of pairs of answers.

    pip install math-verify==0.9.0; python tools/reference/answer_pairs.py PAIRS.json VERDICTS.json

The pairs are those that tools/compare-answers.ts writes. Each answer is read as a formula between dollar signs, the first
one as the reference, as lm-evaluation-harness does.
"""

import json
import sys

from math_verify import parse, verify


def formula(answer):
    return parse(answer if answer.startswith("$") else f"${answer}$")


def main(source, target):
    with open(source) as file:
        pairs = json.load(file)
    verdicts = [bool(verify(formula(pair["a"]), formula(pair["b"]))) for pair in pairs]
    with open(target, "w") as file:
        json.dump(verdicts, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
