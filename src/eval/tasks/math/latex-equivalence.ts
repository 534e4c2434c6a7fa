/**
 * Whether two LaTeX answers are equal by the rule of the MATH paper (arXiv 2103.03874; lm-evaluation-harness'
 * hendrycks_math): after spaces, units, degrees and percent signs are removed, and fractions and roots are normalised.
 * Answers that cannot be normalised are compared as they are.
 */
export function isEquivalent(a: string, b: string): boolean {
  const [left, right] = [normalizeLatex(a), normalizeLatex(b)];
  return left === undefined || right === undefined ? a === b : left === right;
}

/** Removed marks and replaced spellings of commands, in the order in which they are applied. */
const substitutions: readonly (readonly [from: string, to: string])[] = [
  ["\n", ""],
  ["\\!", ""],
  ["\\\\", "\\"],
  ["tfrac", "frac"],
  ["dfrac", "frac"],
  ["\\left", ""],
  ["\\right", ""],
  ["^{\\circ}", ""],
  ["^\\circ", ""],
  ["\\$", ""],
];

/** The normalised answer, or undefined where it cannot be normalised. */
function normalizeLatex(answer: string): string | undefined {
  let text = answer;
  for (const [from, to] of substitutions) text = text.replaceAll(from, to);
  const [start = "", ...units] = text.split("\\text{ ");
  if (units.length > 1) return undefined;
  text = start.replaceAll("\\%", "").replaceAll(" .", " 0.").replaceAll("{.", "{0.");
  if (text === "") return text;
  if (text.startsWith(".")) text = `0${text}`;
  const [left = "", right, ...more] = text.split("=");
  if (right !== undefined && more.length === 0 && left.length <= 2) text = right;
  const rooted = bracedRoots(text)?.replaceAll(" ", "");
  const fractions = rooted === undefined ? undefined : bracedFractions(rooted);
  if (fractions === undefined) return undefined;
  return asFraction(fractions === "0.5" ? "\\frac{1}{2}" : fractions);
}

/** `\sqrt3` as `\sqrt{3}`. */
function bracedRoots(text: string): string | undefined {
  const [start, ...rest] = text.split("\\sqrt");
  if (rest.includes("")) return undefined;
  return (
    start +
    rest.map((part) => (part[0] === "{" ? `\\sqrt${part}` : `\\sqrt{${part[0]}}${part.slice(1)}`)).join("")
  );
}

/** `\frac12` and `\frac1{2}` as `\frac{1}{2}`; as it is when a fraction has only one sign after it. */
function bracedFractions(text: string): string | undefined {
  const [start = "", ...rest] = text.split("\\frac");
  const braced = [start];
  for (const part of rest) {
    if (part === "") return undefined;
    if (part[0] !== "{" && part.length < 2) return text;
    const below = part[1] === "{" ? "{" : `{${part[1]}}`;
    braced.push(part[0] === "{" ? `\\frac${part}` : `\\frac{${part[0]}}${below}${part.slice(2)}`);
  }
  return braced.join("");
}

/** `a/b` of integers as `\frac{a}{b}`; undefined when one side is not an integer. */
function asFraction(text: string): string | undefined {
  const sides = text.split("/");
  if (sides.length !== 2) return text;
  if (!sides.every((side) => /^[+-]?\d+$/.test(side))) return undefined;
  const isPlain = sides.every((side) => /^(0|-?[1-9]\d*)$/.test(side));
  return isPlain ? `\\frac{${sides[0]}}{${sides[1]}}` : text;
}
