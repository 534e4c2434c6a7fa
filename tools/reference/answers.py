r"""What lm-evaluation-harness finds in tricky outputs, by its own code.

    pip install --no-deps lm_eval==0.4.13; python tools/reference/answers.py test/golden/answers.json

Rows are made up here. Its modules import packages that these rules do not use (datasets, sympy, math_verify); they are
replaced by empty ones, so Minerva's rule is the one without computer algebra: equal spellings.
"""

import importlib.util
import json
import sys
import types
from importlib import metadata
from pathlib import Path


def empty_modules():
    for name in ["datasets", "antlr4", "sympy", "sympy.parsing", "sympy.parsing.latex", "math_verify"]:
        module = types.ModuleType(name)
        module.parse = module.verify = module.parse_latex = module.Dataset = None
        sys.modules[name] = module


def load(package, file):
    path = Path(package.submodule_search_locations[0]) / file
    spec = importlib.util.spec_from_file_location(path.stem + path.parent.name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAIRS = [
    ("\\frac{1}{2}", "1/2"), ("\\frac12", "\\frac{1}{2}"), ("\\dfrac{1}{2}", "0.5"), ("\\tfrac1{72}", "\\frac{1}{72}"),
    ("\\frac{72}1", "72"), (".5", "\\frac12"), ("0.50", "0.5"), ("3/6", "1/2"), ("-1/2", "-\\frac{1}{2}"), ("03/4", "3/4"),
    ("x/2", "x/2"), ("x/2 ", "x/2"), ("\\frac x2", "\\frac{x}{2}"), ("\\frac", "\\frac"), ("\\frac1", "\\frac{1}"),
    ("\\frac1\\frac", "\\frac1\\frac"), ("\\frac1\\frac2", "\\frac{1}\\frac2"), ("1/2/3", "1/2/3"), ("+1/2", "1/2"),
    ("\\sqrt3", "\\sqrt{3}"), ("\\sqrt 3", "\\sqrt{3}"), ("2\\sqrt35", "2\\sqrt{3}5"), ("\\sqrt", "\\sqrt"),
    ("\\sqrt{x}\\sqrt2", "\\sqrt{x}\\sqrt{2}"), ("\\sqrt[3]{8}", "2"), ("\\sqrt[3]8", "\\sqrt[3]{8}"),
    ("10\\text{ cm}", "10"), ("10\\text{ cm}\\text{ m}", "10"), ("10\\text{cm}", "10"), ("10 cm", "10"), ("10cm", "10"),
    ("\\left(1, 2\\right)", "(1,2)"), ("\\left[2,5\\right)", "[2,5)"), ("90^\\circ", "90"), ("90^{\\circ}", "90"),
    ("50\\%", "50"), ("50%", "50"), ("\\$18", "18"), ("$18$", "18"), ("$18", "18"), ("18.", "18"), ("k = 5", "5"),
    ("x=5", "5"), ("abc=5", "5"), ("x=y=5", "5"), ("= 5", "5"), ("1,000", "1000"), ("1{,}000", "1000"), ("1,\\!000", "1000"),
    ("100,000,000", "100000000"), ("0,1", "01"), ("0,1", "0,1"), ("", ""), (" ", ""), ("\\!", ""), ("{.5}", "{0.5}"),
    ("a .5", "a0.5"), ("\\boxed{7}", "7"), ("\\text{yes}", "yes"), ("\\textbf{(A)}", "(A)"), ("\\overline{12}", "12"),
    ("\\text{Monday}", "Monday"), ("\\mbox{even}", "\\text{even}"), ("5 and 7", "5,7"), ("5\\text{ and }7", "5,7"),
    ("2\\pi cm", "2\\pi"), ("2\\pi\\text{ ft}", "2\\pi"), ("\\left", "\\le"), ("12 dollars", "12"), ("an apple", "apple"),
    ("\\mathrm{th}5", "5"), ("5\\;", "5"), ("1,2,\\ldots", "1,2,"), ("1,2,\\dots", "1,2,"), ('"5"', "5"), ("5\\ 6", "56"),
    ("3 square units", "3"), ("3\\text{ square units}", "3"), ("25\\text{m}^2", "25"), ("25\\text{ m}^2", "25"), ("1\\n2", "12"),
    ("\\frac{\\sqrt3}2", "\\frac{\\sqrt{3}}{2}"), ("-\\frac{2}{3}", "\\frac{-2}{3}"), ("1\\frac12", "1\\frac{1}{2}"),
    ("größe", "größe"), ("7 minutes", "7"), ("minutes7", "7"), ("7\nminutes", "7"), ("\\fracab", "\\frac{a}{b}"),
    ("\\sqrtab", "\\sqrt{a}b"), ("(-\\infty, 3)", "(-\\infty,3)"), ("x \\in [1,2]", "[1,2]"), ("10^{4}", "10^4"), ("11_{2}", "11_2"),
]

SOLUTIONS = [
    "So the answer is $\\boxed{12}$.", "First \\boxed{1}, then $\\boxed{\\frac{1}{2}}$.", "It is $\\boxed 5$ indeed.",
    "It is $\\fbox{9}$.", "Nested \\boxed{\\text{a {b} c}}", "Unclosed \\boxed{1 + {2}", "No box at all",
    "\\boxed{}", "Two $\\boxed 3$ and \\boxed{4}",
]

MATH_OUTPUTS = [
    ("The answer is $\\frac12$.", "\\frac{1}{2}"), ("$x$ is $5$", "5"), ("5", "5"), (" 5\n", "5"), ("It costs $5", "5"),
    ("$x = 5$", "5"), ("so \\boxed{5}", "5"), ("$$5$$", "5"), ("$5$ and $6$", "6"), ("", "5"),
    ("Final Answer: The final answer is $5$. I hope it is correct.", "5"),
    ("Final Answer: The final answer is 5. I hope it is correct.\n\nProblem:", "5"),
    ("Final Answer: The final answer is $\\frac12$", "\\frac{1}{2}"), ("Final Answer: The final answer is 5.", "5"),
    ("Final Answer: The final answer is 5. ", "5"), ("Final Answer: The final answer is 5", "5"),
    ("Final Answer: The final answer is\n5. I hope it is correct.", "5"),
    ("Final Answer: The final answer is $10\\text{ cm}$. I hope it is correct.", "10"),
    ("Final Answer: The final answer is $1,000$. I hope it is correct. Final Answer: The final answer is 2. I hope it is correct.", "1000"),
    ("final answer: the final answer is 5. I hope it is correct.", "5"),
]

GSM_OUTPUTS = [
    ("... so 9 * 2 = 18.\n#### 18", "Reason <<9*2=18>>18\n#### 18"), ("The answer is 18.", "#### 18"), ("$18.00", "#### 18"),
    ("She makes $18 every day", "#### 18"), ("#### 18.", "#### 18"), ("#### $18", "#### 18"), ("#### 1,800", "#### 1800"),
    ("#### 1800", "#### 1,800"), ("#### -5", "#### -5"), ("minus -5 degrees", "#### -5"), ("#### 18\n#### 19", "#### 18"),
    ("#### 18 eggs", "#### 18"), ("####18", "#### 18"), ("about 18.5", "#### 18.5"), ("18 .", "#### 18"), ("", "#### 18"),
    ("no number", "#### 18"), ("a, b.. c", "#### 18"), ("18,", "#### 18"), ("5 + 13 = 18 (from 3 bags)", "#### 3"),
    ("$1,234,567.", "#### 1234567"), ("#### .5", "#### .5"), ("#### ", "#### 5"), ("50%", "#### 50"), ("7-8", "#### 8"), ("x-", "#### 8"),
    ("#### 18...", "#### 18.."), ("1/2", "#### 2"), ("Answer: 18\n\n", "#### 18"), ("$", "#### 18"), ("$$", "#### 18"),
]


def boxed(utils, solution):
    found = utils.last_boxed_only_string(solution)
    if found is None:
        return None
    try:
        return utils.remove_boxed(found)
    except AssertionError:
        return "refused"


def math_case(hendrycks, minerva, output, answer):
    doc = {"solution": "\\boxed{%s}" % answer}
    found = minerva.get_unnormalized_answer(output)
    return {
        "output": output,
        "answer": answer,
        "hendrycks": hendrycks.process_results(doc, [output])["exact_match"],
        "minerva": int(minerva.normalize_final_answer(found) == minerva.normalize_final_answer(answer)),
    }


def gsm_case(filters, metrics, output, answer):
    rules = {
        "strict": filters.RegexFilter(regex_pattern="#### (\\-?[0-9\\.\\,]+)"),
        "flexible": filters.RegexFilter(group_select=-1, regex_pattern="(-?[$0-9.,]{2,})|(-?[0-9]+)"),
    }
    ignore = [",", "\\$", "(?s).*#### ", "\\.$"]
    scores = {}
    for name, rule in rules.items():
        found = list(rule.apply([[output]], [{}]))[0][0]
        scores[name] = int(metrics([found], [answer], regexes_to_ignore=ignore, ignore_case=True)["exact_match"])
    return {"output": output, "answer": answer, **scores}


def exact_match(package):
    """The metric's function alone: its module needs more packages."""
    source = (Path(package.submodule_search_locations[0]) / "api/metrics.py").read_text()
    start = source.index("def exact_match_hf_evaluate")
    scope = {}
    exec("import re, string\nimport numpy as np\n" + source[start : source.index("\n\n###", start)], scope)
    return scope["exact_match_hf_evaluate"]


def regex_filter(package):
    source = (Path(package.submodule_search_locations[0]) / "filters/extraction.py").read_text()
    start = source.index("class RegexFilter")
    scope = {"Filter": object}
    header = "from __future__ import annotations\nimport re\n"
    exec(header + source[start : source.index("@register_filter", start)], scope)
    return types.SimpleNamespace(RegexFilter=scope["RegexFilter"])


def main(path):
    empty_modules()
    real = metadata.version
    metadata.version = lambda name: "4.11" if name.startswith("antlr4") else real(name)
    package = importlib.util.find_spec("lm_eval")
    hendrycks = load(package, "tasks/hendrycks_math/utils.py")
    minerva = load(package, "tasks/minerva_math/utils.py")
    filters, metric = regex_filter(package), exact_match(package)
    golden = {
        "lm_eval": real("lm_eval"),
        "pairs": [
            {
                "a": a,
                "b": b,
                "equivalent": hendrycks.is_equiv(a, b),
                "normal": [minerva.normalize_final_answer(a), minerva.normalize_final_answer(b)],
            }
            for a, b in PAIRS
        ],
        "solutions": [{"solution": solution, "boxed": boxed(hendrycks, solution)} for solution in SOLUTIONS],
        "math": [math_case(hendrycks, minerva, *case) for case in MATH_OUTPUTS],
        "gsm8k": [gsm_case(filters, metric, *case) for case in GSM_OUTPUTS],
    }
    Path(path).write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n")


main(*sys.argv[1:])
