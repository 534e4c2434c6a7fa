import { expect, test } from "vitest";
import { Random } from "../util/random.ts";
import { isSameAnswer } from "./same-answer.ts";

/** Pairs that a person calls equal, by kind. */
const equal: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  numbers: [
    ["5", "5.0"],
    ["4.5", "\\frac{9}{2}"],
    ["50", "50\\%"],
    ["0.5", "50\\%"],
    ["1,000", "1000"],
    ["1{,}000", "1000"],
    ["1,\\!000,\\!000", "1000000"],
    ["1e3", "1000"],
    ["1.5\\times 10^3", "1500"],
    ["3 \\cdot 10^{8}", "300000000"],
    [".5", "0.5"],
    ["-.25", "-\\frac14"],
    ["+7", "7"],
    ["7.", "7"],
    ["$12$", "12"],
    ["\\boxed{12}", "12"],
    ["{12}", "12"],
    ["\\text{12}", "12"],
    ["0.\\overline{3}", "\\frac{1}{3}"],
    ["0.1\\overline{6}", "\\frac16"],
    ["2^{10}", "1024"],
    ["10^12", "1000000000000"],
    ["5!", "120"],
    ["\\binom{5}{2}", "10"],
    ["1\\ 000", "1\\ 000"],
    ["100,200", "100, 200"],
    ["\\lfloor 3.7 \\rfloor", "3"],
    ["|-4|", "4"],
  ],
  fractions: [
    ["\\frac12", "\\frac{1}{2}"],
    ["\\dfrac{1}{2}", "\\tfrac12"],
    ["\\frac1{72}", "1/72"],
    ["\\frac{72}1", "72"],
    ["-\\frac{2}{3}", "\\frac{-2}{3}"],
    ["\\frac{2}{-3}", "-\\frac23"],
    ["\\frac{-2}{-3}", "\\frac23"],
    ["\\frac{3}{6}", "\\frac12"],
    ["2\\frac{1}{2}", "\\frac{5}{2}"],
    ["-2\\frac12", "-2.5"],
    ["1 1/2", "1.5"],
    ["3/4", "0.75"],
    ["\\frac{x}{2}", "\\frac12x"],
    ["\\frac{\\frac12}{3}", "\\frac16"],
    ["\\left(\\frac{3}{4}\\right)", "\\frac34"],
    ["3:4", "6:8"],
    ["3:4", "\\frac{3}{4}"],
  ],
  "powers and roots": [
    ["\\sqrt{8}", "2\\sqrt{2}"],
    ["\\sqrt2", "\\sqrt{2}"],
    ["\\sqrt{2}\\sqrt{3}", "\\sqrt6"],
    ["\\frac{1}{\\sqrt2}", "\\frac{\\sqrt2}{2}"],
    ["\\frac{1}{1+\\sqrt2}", "\\sqrt{2}-1"],
    ["\\sqrt[3]{16}", "2\\sqrt[3]2"],
    ["\\sqrt[3]{-8}", "-2"],
    ["2^{1/2}", "\\sqrt2"],
    ["2^{-3}", "\\frac18"],
    ["\\sqrt{\\frac{1}{3}}", "\\frac{\\sqrt3}{3}"],
    ["\\sqrt{3+2\\sqrt{2}}", "1+\\sqrt2"],
    ["\\frac{\\sqrt{3}}{2}", "\\frac12\\sqrt3"],
    ["4^x", "2^{2x}"],
    ["2^{n+1}", "2\\cdot2^n"],
    ["\\sqrt{-4}", "2i"],
    ["(2+i)(2-i)", "5"],
    ["√12", "2√3"],
    ["\\sqrt{x^2}", "|x|"],
    ["(x+1)\\sqrt{x+1}", "(x+1)^{3/2}"],
    ["\\sqrt{8+4x}", "2\\sqrt{x+2}"],
  ],
  "multiples of pi and functions": [
    ["\\pi/2", "\\frac{\\pi}{2}"],
    ["\\frac{1}{2}\\pi", "\\frac{\\pi}{2}"],
    ["4\\pi", "\\pi\\cdot4"],
    ["π", "\\pi"],
    ["36\\pi-18\\sqrt3", "18(2\\pi-\\sqrt{3})"],
    ["\\sin\\frac{\\pi}{6}", "\\frac12"],
    ["\\cos 60^\\circ", "0.5"],
    ["\\log_2 8", "3"],
    ["\\ln 4", "2\\ln2"],
    ["e^{2}", "e\\cdot e"],
    ["\\sin^2 x", "(\\sin x)^2"],
  ],
  "expressions and equations": [
    ["x^2+2x+1", "(x+1)^2"],
    ["x = 5", "5"],
    ["5 = x", "x=5"],
    ["y=2x+1", "2x+1"],
    ["f(x)=x^2", "x^2"],
    ["y=2x+1", "2x-y+1=0"],
    ["2x+3y=6", "4x+6y=12"],
    ["xy", "yx"],
    ["x_1+x_{2}", "x_2+x_1"],
    ["\\frac{x^2-1}{x-1}", "x+1"],
    ["x=\\frac12=0.5", "\\frac12"],
    ["x=\\frac13\\approx0.333", "\\frac13"],
    ["\\sqrt2\\approx1.41", "\\sqrt2"],
    ["x\\approx11", "11"],
    ["2+3=5", "5"],
    ["\\frac{16}{4}=2\\cdot2=4", "4"],
    ["x\\ne3", "x\\neq 3"],
    ["\\theta=\\frac\\pi4", "\\frac{\\pi}{4}"],
    ["p-q", "-q+p"],
  ],
  "points, intervals, sets and lists": [
    ["(1,2)", "\\left( 1, 2 \\right)"],
    ["(0.5,-1)", "\\left(\\frac12,-1\\right)"],
    ["[1,2)", "[1, 2)"],
    ["(-\\infty,3]", "\\left(-\\infty, 3\\right]"],
    ["(-\\infty,0)\\cup(0,\\infty)", "(0,\\infty)\\cup(-\\infty,0)"],
    ["x\\in[1,2]", "[1,2]"],
    ["1<x<2", "(1,2)"],
    ["x>3", "(3,\\infty)"],
    ["3 \\le x", "x \\geq 3"],
    ["2\\ge x>-1", "(-1,2]"],
    ["x<1\\text{ or }x>2", "(-\\infty,1)\\cup(2,\\infty)"],
    ["\\{1,2\\}", "\\{2,1\\}"],
    ["1,2", "2, 1"],
    ["1 \\text{ and } 2", "1,2"],
    ["1, 2, and 3", "3,2,1"],
    ["x=1\\text{ or }x=2", "1,2"],
    ["\\{1,2\\}", "1,2"],
    ["\\pm 3", "3,-3"],
    ["1\\pm\\sqrt2", "1+\\sqrt2,1-\\sqrt2"],
    ["2\\mp1", "2\\pm1"],
    ["\\emptyset", "\\{\\}"],
    ["(1,2),(3,4)", "(3,4), (1,2)"],
    ["\\langle 1,2\\rangle", "(1,2)"],
    ["1:2:3", "1 : 2 : 3"],
    ["\\{x \\mid x > 3\\}", "(3,\\infty)"],
  ],
  matrices: [
    ["\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}"],
    ["\\begin{pmatrix} 1/2 & 0 \\\\ 0 & 1 \\end{pmatrix}", "\\begin{pmatrix}0.5&0\\\\0&1\\end{pmatrix}"],
    ["\\begin{pmatrix}\\sqrt4\\\\-1\\end{pmatrix}", "\\begin{pmatrix}2\\\\-1\\\\\\end{pmatrix}"],
  ],
  units: [
    ["90^\\circ", "90"],
    ["90^{\\circ}", "90\\text{ degrees}"],
    ["90^\\circ", "\\frac{\\pi}{2}"],
    ["10\\text{ cm}", "10"],
    ["10\\text{ cm}", "10 cm"],
    ["10\\,\\mathrm{cm}", "10\\text{ centimeters}"],
    ["25\\text{ m}^2", "25\\text{ square meters}"],
    ["25\\text{ m}^2", "25"],
    ["3\\text{ square units}", "3"],
    ["60\\text{ mph}", "60\\text{ miles per hour}"],
    ["\\$18.50", "18.5"],
    ["\\$5", "5\\text{ dollars}"],
    ["7\\text{ minutes}", "7 min"],
    ["12\\text{ inches}", "12\\text{ in}"],
    ["\\frac{5}{2}\\text{ ft}", "2.5"],
    ["x=10\\text{ cm}", "10"],
    ["5\\text{th}", "5"],
    ["3\\text{ apples}", "3"],
  ],
  words: [
    ["\\text{even}", "even"],
    ["\\text{Yes}", "yes"],
    ["\\text{(A)}", "A"],
    ["\\textbf{(B)}", "(B)"],
    ["\\mathrm{Monday}", "\\text{Monday}"],
    ["\\text{no  solution}", "\\text{no solution}"],
    ["\\text{A}, \\text{C}", "C,A"],
  ],
};

/** Pairs that a person calls different. */
const different: readonly (readonly [string, string])[] = [
  ["5", "6"],
  ["5", "-5"],
  ["\\frac12", "\\frac13"],
  ["\\frac13", "0.333333"],
  ["\\sqrt2", "1.41421356"],
  ["\\sqrt{3+2\\sqrt2}", "2.414213562373095"],
  ["\\pi", "3.14"],
  ["\\pi", "\\frac{22}{7}"],
  ["5\\text{ cm}", "5\\text{ m}"],
  ["5\\text{ cm}", "5\\text{ cm}^2"],
  ["5\\text{ dollars}", "5\\text{ cents}"],
  ["\\$5", "5\\text{ cents}"],
  ["5^\\circ", "5\\text{ cm}"],
  ["60\\text{ miles per hour}", "60\\text{ miles}"],
  ["3\\text{ apples}", "3\\text{ oranges}"],
  ["50\\%", "5"],
  ["x=5", "y=5"],
  ["y=2x+1", "y=2x-1"],
  ["a+3z=0", "0"],
  ["7=11a+c", "11a+c"],
  ["x=1", "1,2"],
  ["1,2", "1,2,3"],
  ["(1,2)", "(2,1)"],
  ["(1,2)", "[1,2]"],
  ["[1,2)", "(1,2]"],
  ["(1,2)", "\\{1,2\\}"],
  ["(1,2)", "12"],
  ["1,2", "12"],
  ["1,2", "1.2"],
  ["1,000", "1"],
  ["1,000", "1, 0"],
  ["x>3", "x<3"],
  ["x>3", "x\\ge3"],
  ["2x+3y<6", "2x+3y>6"],
  ["x\\ne3", "x=3"],
  ["x^2", "x^3"],
  ["\\sqrt{x^2}", "x"],
  ["2\\sqrt3", "\\sqrt[3]{2}"],
  ["2^x", "x^2"],
  ["\\sin x", "\\cos x"],
  ["\\text{even}", "\\text{odd}"],
  ["evil", "live"],
  ["\\text{Tom}", "\\text{Mot}"],
  ["A", "B"],
  ["\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}2\\\\1\\end{pmatrix}"],
  ["\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}"],
  ["\\begin{pmatrix}1&0\\\\0&1\\end{pmatrix}", "\\begin{vmatrix}1&0\\\\0&1\\end{vmatrix}"],
  ["\\pm3", "3"],
  ["\\emptyset", "0"],
  ["", "0"],
  ["1011_2", "1011"],
  ["10^{3}", "103"],
  ["(-\\infty,3)", "(3,\\infty)"],
  ["(0,1)\\cup(1,2)", "(0,2)"],
  ["\\frac{1}{0}", "\\infty"],
  ["ab", "a+b"],
  ["1:2:3", "3:2:1"],
];

const pairs = Object.entries(equal).flatMap(([kind, list]) => list.map(([a, b]) => ({ kind, a, b })));

test.each(pairs)("$kind: $a and $b are the same", ({ a, b }) => {
  expect(isSameAnswer(a, b)).toBe(true);
  expect(isSameAnswer(b, a)).toBe(true);
});

test.each(different)("%s and %s are different", (a, b) => {
  expect(isSameAnswer(a, b)).toBe(false);
  expect(isSameAnswer(b, a)).toBe(false);
});

test.each([...pairs.flatMap(({ a, b }) => [a, b]), ...different.flat()])(
  "%s is itself with more space",
  (a) => {
    expect(isSameAnswer(a, ` ${a} `)).toBe(true);
  },
);

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
])("hostile: %s ends within the time of a test, and equals itself", (_, answer) => {
  expect(isSameAnswer(answer, answer)).toBe(true);
  for (const other of [`${answer} `, `1+${answer}`, `(${answer}, 1)`, "1"]) isSameAnswer(answer, other);
});

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
