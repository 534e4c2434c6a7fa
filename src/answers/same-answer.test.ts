import { expect, test } from "vitest";
import { Random } from "../util/random.ts";
import { isSameAnswer } from "./same-answer.ts";
import { different, equalByKind } from "./testing/pairs-by-hand.ts";

const pairs = Object.entries(equalByKind).flatMap(([kind, list]) => list.map(([a, b]) => ({ kind, a, b })));

test.each(pairs)("$kind: $a and $b are the same", ({ a, b }) => {
  expect(isSameAnswer(a, b)).toBe(true);
  expect(isSameAnswer(b, a)).toBe(true);
});

test.each(different)("%s and %s are different", (a, b) => {
  expect(isSameAnswer(a, b)).toBe(false);
  expect(isSameAnswer(b, a)).toBe(false);
});

test.each([...pairs.flatMap(({ a, b }) => [a, b]), ...different.flat()])("%s is itself in a box", (a) => {
  expect(isSameAnswer(a, `\\boxed{ ${a} }`)).toBe(true);
});

test.each([
  ["a tower of powers", "9^{9^{9^9}}"],
  ["a power of a large number", `${"9".repeat(500)}^{999}`],
  ["a factorial", "99999!"],
  ["a sum to a high power", "(a+b+c+d+e+f)^{999}"],
  ["many sums", "(a+b)(c+d)(f+g)(h+j)(k+l)(m+n)(p+q)(r+s)(t+u)(v+w)(x+y)(A+B)(C+D)(F+G)(H+J)(K+L)"],
  ["deep brackets", `${"(".repeat(700)}1${")".repeat(700)}`],
  ["deep braces", `${"{".repeat(700)}1${"}".repeat(700)}`],
  ["deep fractions", `${"\\frac{1}{1+".repeat(120)}x${"}".repeat(120)}`],
  ["deep roots", `${"\\sqrt{2+".repeat(180)}x${"}".repeat(180)}`],
  ["a long list", Array.from({ length: 700 }, (_, i) => i % 10).join(",")],
  ["a long sum", Array.from({ length: 300 }, (_, i) => `x_${i}`).join("+")],
  ["a root of a large number", `\\sqrt{${"7".repeat(1200)}}`],
  ["an exponent of many digits", `1.5e${"9".repeat(1000)}`],
  ["open braces", "\\text{".repeat(200)],
  ["nothing but signs", "^_^".repeat(400)],
  ["a long text", "x".repeat(1_000_000)],
  ["control characters", "\u0000\u0001\ud800"],
])("hostile: %s ends within the time of a test, and differs from others in either order", (_, answer) => {
  for (const other of [`1+${answer}`, `(${answer}, 1)`, "2"]) {
    expect(isSameAnswer(answer, other)).toBe(false);
    expect(isSameAnswer(other, answer)).toBe(false);
  }
});

test.each(["1", "\\text{no}", "(1,2)"])(
  "a set of many items as %s is compared within the limits of work",
  (item) => {
    const list = (count: number) => Array.from({ length: count }, (_, i) => `${item}_{${i}}`);
    const isSameReversed = (items: string[]) => isSameAnswer(items.join(","), items.toReversed().join(","));
    expect(isSameReversed(list(25))).toBe(true);
    expect(isSameReversed(list(120))).toBe(false);
  },
);

const pieces =
  "0 1 12 3.5 , : x e i \\frac \\sqrt { } ( ) [ ] \\{ \\} ^ _ + - \\pm \\cdot / ! | % ^\\circ \\pi \\text{ \\text{cm} \\text{and} = < \\in \\cup \\begin{pmatrix} \\end{pmatrix} & \\\\ \\sin \\log_ \\binom \\overline $ \\$ \\left \\boxed{".split(
    " ",
  );

test("random pieces of LaTeX equal themselves, and differ or not in either order", () => {
  const random = new Random(4);
  const make = () => Array.from({ length: 1 + random.integerBelow(12) }, () => random.pick(pieces)).join("");
  for (let i = 0; i < 300; i++) {
    const [a, b] = [make(), make()];
    const near = a.replace(/\d/, "7");
    expect(isSameAnswer(a, ` ${a}\n`), a).toBe(true);
    for (const other of [b, near])
      expect(isSameAnswer(other, a), `${a} | ${other}`).toBe(isSameAnswer(a, other));
  }
});
