// Pairs of answers in LaTeX of which it is known by construction whether they are equal: two spellings of one value, or
// of two values that are near each other. tools/compare-answers.ts lets scalora and math-verify judge them.
import { elementAt } from "../src/util/elements.ts";
import { Random } from "../src/util/random.ts";

export interface AnswerPair {
  kind: string;
  a: string;
  b: string;
  isEqual: boolean;
}

/** Spells a value that the numbers describe; the same numbers give equal answers, whatever is drawn. */
type Spelling = (numbers: readonly number[], draw: Draw) => string;

class Draw {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  integer(low: number, high: number): number {
    return low + this.random.integerBelow(high - low + 1);
  }

  oneOf<T>(choices: readonly T[]): T {
    return elementAt(choices, this.random.integerBelow(choices.length));
  }

  shuffled<T>(items: readonly T[]): T[] {
    const keyed = items.map((item): [number, T] => [this.random.uniform(), item]);
    return keyed.sort(([x], [y]) => x - y).map(([, item]) => item);
  }
}

/** The numbers from 0 up one higher, so that none is 0. */
const nonZero = (n: number) => (n < 0 ? n : n + 1);

const space = (draw: Draw) => draw.oneOf(["", "", " ", "\\,"]);

function integer(n: number, draw: Draw): string {
  const spellings = [`${n}`, `${n}`, `${n}.0`, `{${n}}`];
  if (Math.abs(n) >= 1000) {
    const grouped = `${n}`.replaceAll(/\B(?=(\d{3})+$)/g, ",");
    spellings.push(grouped, grouped.replaceAll(",", "{,}"), grouped.replaceAll(",", ",\\!"));
  }
  return draw.oneOf(spellings);
}

function fraction(top: number, bottom: number, draw: Draw): string {
  const command = draw.oneOf(["\\frac", "\\dfrac", "\\tfrac"]);
  const factor = draw.oneOf([1, 1, 1, 2, 3]);
  const [p, q] = [Math.abs(top) * factor, bottom * factor];
  const isNegative = top < 0;
  const plain = `${command}{${p}}{${q}}`;
  const spellings = [`${p}/${q}`, plain, `\\left(${plain}\\right)`].map((text) =>
    isNegative ? `-${text}` : text,
  );
  if (isNegative) spellings.push(`${command}{-${p}}{${q}}`, `${command}{${p}}{-${q}}`);
  if (p < 10 && q < 10) spellings.push(`${isNegative ? "-" : ""}${command}${p}${q}`);
  if (p > q && p % q !== 0)
    spellings.push(`${isNegative ? "-" : ""}${Math.floor(p / q)}${command}{${p % q}}{${q}}`);
  if (Number.isInteger((top * 1000) / bottom)) spellings.push(`${top / bottom}`);
  return draw.oneOf(spellings);
}

/** a√c, with c free of squares. */
function surd(a: number, c: number, draw: Draw): string {
  const sign = a < 0 ? "-" : "";
  const size = Math.abs(a);
  const lead = size === 1 ? "" : `${size}`;
  const braces = c < 10 ? draw.oneOf([`\\sqrt{${c}}`, `\\sqrt${c}`]) : `\\sqrt{${c}}`;
  return draw.oneOf([
    `${sign}${lead}${braces}`,
    `${sign}\\sqrt{${size * size * c}}`,
    `${sign}${lead}\\cdot${c}^{1/2}`.replace("-\\cdot", "-").replace(/^\\cdot/, ""),
    `\\frac{${sign}${size * c}}{\\sqrt{${c}}}`,
  ]);
}

/** Terms of a sum, in any order. */
function sum(terms: readonly string[], draw: Draw): string {
  const [first = "", ...rest] = draw.shuffled(terms);
  return rest.reduce((text, term) => `${text}${term.startsWith("-") ? "" : "+"}${term}`, first);
}

const pi: Spelling = ([top = 1, bottom = 1], draw) => {
  if (bottom === 1) return draw.oneOf([`${top}\\pi`, `\\pi\\cdot${top}`, `${top} \\pi`, `${top}π`]);
  return draw.oneOf([
    `\\frac{${top}\\pi}{${bottom}}`,
    `\\frac{${top}}{${bottom}}\\pi`,
    `${top}\\pi/${bottom}`,
    `\\dfrac{${top}\\cdot\\pi}{${bottom}}`,
  ]);
};

/** A number inside a list: no commas of its own. */
function listed(n: number, draw: Draw): string {
  return draw.oneOf([`${n}`, `${n}`, fraction(n * 2, 2, draw), `${n}.0`]);
}

const interval: Spelling = ([low = 0, width = 1, open = 0, close = 0], draw) => {
  const [left, right] = [open % 2 === 0 ? "(" : "[", close % 2 === 0 ? ")" : "]"];
  const inner = `${listed(low, draw)},${space(draw)}${listed(low + width, draw)}`;
  return draw.oneOf([
    `${left}${inner}${right}`,
    `\\left${left}${inner}\\right${right}`,
    `x\\in${left}${inner}${right}`,
  ]);
};

const matrix: Spelling = (cells, draw) => {
  const environment = draw.oneOf(["pmatrix", "bmatrix"]);
  const [a, b, c, d] = cells.map((cell) => listed(cell, draw));
  return `\\begin{${environment}}${a}&${b}\\\\${space(draw)}${c}&${d}\\end{${environment}}`;
};

const units: readonly (readonly string[])[] = [
  ["\\text{ cm}", "\\text{ centimeters}", "\\mathrm{cm}", "\\mbox{ cm}"],
  ["\\text{ m}", "\\text{ meters}", "\\mathrm{m}"],
  ["\\text{ m}^2", "\\text{ square meters}"],
  ["\\text{ inches}", "\\text{ in}"],
  ["\\text{ minutes}", "\\text{ min}"],
  ["\\text{ mph}", "\\text{ miles per hour}"],
  ["\\text{ dollars}"],
  ["\\text{ degrees}", "^\\circ", "^{\\circ}"],
];

function factored(p: number, q: number, draw: Draw): string {
  const linear = (root: number) => (root < 0 ? `(x${root})` : `(x+${root})`);
  const [b, c] = [p + q, p * q];
  const term = (n: number, name: string) => (n < 0 ? `${n}${name}` : `+${n}${name}`);
  const expanded = `x^2${term(b, "x")}${term(c, "")}`;
  return draw.oneOf([
    expanded,
    expanded,
    p === q ? `${linear(p)}^2` : `${linear(p)}${linear(q)}`,
    `${linear(q)}${linear(p)}`,
  ]);
}

/** Values by kind: how many numbers describe one, their range, and its spellings. */
const kinds: Readonly<Record<string, { ranges: readonly (readonly [number, number])[]; spell: Spelling }>> = {
  integers: { ranges: [[-20_000, 2_000_000]], spell: ([n = 0], draw) => integer(n, draw) },
  "small integers": {
    ranges: [[-30, 60]],
    spell: ([n = 0], draw) =>
      draw.oneOf([integer(n, draw), `${n}.`, `$${n}$`, `\\boxed{${n}}`, fraction(n * 3, 3, draw)]),
  },
  fractions: {
    ranges: [
      [-40, 60],
      [2, 25],
    ],
    spell: ([top = 1, bottom = 1], draw) => fraction(top, bottom, draw),
  },
  percentages: {
    ranges: [[1, 250]],
    spell: ([n = 0], draw) => draw.oneOf([`${n}\\%`, `${n}`, `${n}.0\\%`, `${n}\\text{ percent}`]),
  },
  "powers of ten": {
    ranges: [
      [11, 99],
      [3, 9],
    ],
    spell: ([n = 1, power = 1], draw) =>
      draw.oneOf([
        `${n / 10}\\times10^{${power}}`,
        `${n / 10} \\cdot 10^${power}`,
        `${n}\\cdot 10^{${power - 1}}`,
        `${(n * 10 ** power) / 10}`,
        `${n / 10}e${power}`,
      ]),
  },
  surds: {
    ranges: [
      [-12, 12],
      [0, 6],
    ],
    spell: ([a = 1, c = 0], draw) => surd(nonZero(a), elementAt([2, 3, 5, 6, 7, 10, 11], c), draw),
  },
  "sums with surds": {
    ranges: [
      [-9, 15],
      [-9, 9],
      [0, 4],
    ],
    spell: ([a = 1, b = 1, c = 0], draw) =>
      sum([`${a}`, surd(nonZero(b), elementAt([2, 3, 5, 7, 13], c), draw)], draw),
  },
  "multiples of pi": {
    ranges: [
      [2, 19],
      [1, 12],
    ],
    spell: pi,
  },
  intervals: {
    ranges: [
      [-20, 20],
      [1, 20],
      [0, 1],
      [0, 1],
    ],
    spell: interval,
  },
  inequalities: {
    ranges: [
      [-30, 30],
      [0, 3],
    ],
    spell: ([n = 0, type = 0], draw) => {
      const [sign, reverse] = elementAt(
        [
          ["<", ">"],
          ["\\le", "\\ge"],
          [">", "<"],
          ["\\geq", "\\leq"],
        ] as const,
        type,
      );
      return draw.oneOf([`x${sign} ${n}`, `${n}${reverse} x`]);
    },
  },
  points: {
    ranges: [
      [-20, 20],
      [-20, 20],
    ],
    spell: ([x = 0, y = 0], draw) =>
      draw
        .oneOf(["(#)", "\\left(#\\right)"])
        .replace("#", () => `${listed(x, draw)},${space(draw)}${listed(y, draw)}`),
  },
  sets: {
    ranges: [
      [-20, 0],
      [1, 9],
      [10, 30],
    ],
    spell: (numbers, draw) =>
      `\\{${draw
        .shuffled(numbers)
        .map((n) => listed(n, draw))
        .join(", ")}\\}`,
  },
  lists: {
    ranges: [
      [-20, 0],
      [1, 9],
    ],
    spell: (numbers, draw) => {
      const items = draw.shuffled(numbers).map((n) => listed(n, draw));
      return draw.oneOf([
        items.join(","),
        items.join(", "),
        items.join(" \\text{ and } "),
        items.map((item) => `x=${item}`).join("\\text{ or }"),
      ]);
    },
  },
  "plus and minus": {
    ranges: [
      [-9, 9],
      [2, 9],
    ],
    spell: ([a = 0, b = 1], draw) =>
      draw.oneOf([
        `${a}\\pm\\sqrt{${b}}`,
        `${a}+\\sqrt{${b}},${a}-\\sqrt{${b}}`,
        `${a}-\\sqrt{${b}}, ${a}+\\sqrt{${b}}`,
      ]),
  },
  matrices: {
    ranges: [
      [-9, 9],
      [-9, 9],
      [-9, 9],
      [-9, 9],
    ],
    spell: matrix,
  },
  equations: {
    ranges: [[-40, 40]],
    spell: ([n = 0], draw) => draw.oneOf([`x=${n}`, `x = ${n}`, `${n}`, `x=${fraction(n * 2, 2, draw)}`]),
  },
  lines: {
    ranges: [
      [2, 9],
      [1, 15],
    ],
    spell: ([a = 2, b = 1], draw) =>
      draw.oneOf([`y=${a}x+${b}`, `y=${b}+${a}x`, `${a}x-y+${b}=0`, `${2 * a}x-2y=-${2 * b}`]),
  },
  quadratics: {
    ranges: [
      [-9, 9],
      [-9, 9],
    ],
    spell: ([p = 1, q = 1], draw) => factored(nonZero(p), nonZero(q), draw),
  },
  "amounts with units": {
    ranges: [
      [2, 99],
      [0, units.length - 1],
    ],
    spell: ([n = 1, unit = 0], draw) =>
      `${draw.oneOf([`${n}`, `${n}.0`])}${draw.oneOf(elementAt(units, unit))}`,
  },
  "amounts, one without a unit": {
    ranges: [[2, 99]],
    spell: ([n = 1], draw) => draw.oneOf([`${n}`, `${n}\\text{ cm}`, `${n}.0`]),
  },
  prices: {
    ranges: [
      [1, 60],
      [1, 9],
    ],
    spell: ([dollars = 1, tenths = 1], draw) => {
      const amount = `${dollars}.${tenths}`;
      return draw.oneOf([`\\$${amount}0`, `${amount}0`, amount, `${amount}0\\text{ dollars}`]);
    },
  },
  "recurring decimals": {
    ranges: [
      [0, 30],
      [1, 8],
    ],
    spell: ([whole = 0, digit = 1], draw) =>
      draw.oneOf([`${whole}.\\overline{${digit}}`, fraction(9 * whole + digit, 9, draw)]),
  },
  "roots in denominators": {
    ranges: [
      [1, 9],
      [2, 9],
      [0, 3],
    ],
    spell: ([a = 1, b = 2, c = 0], draw) => {
      const square = elementAt([2, 3, 5, 7], c);
      const norm = b * b - square;
      return draw.oneOf([
        `\\frac{${a}}{${b}+\\sqrt{${square}}}`,
        `\\frac{${a * b}-${a}\\sqrt{${square}}}{${norm}}`,
        `\\frac{${a}(${b}-\\sqrt{${square}})}{${norm}}`,
      ]);
    },
  },
  "points, sets and intervals": {
    ranges: [
      [-9, 9],
      [10, 20],
      [0, 2],
    ],
    spell: ([x = 0, y = 0, type = 0], draw) => {
      const [open, close] = elementAt(
        [
          ["(", ")"],
          ["\\{", "\\}"],
          ["[", "]"],
        ] as const,
        type,
      );
      return `${open}${listed(x, draw)},${space(draw)}${listed(y, draw)}${close}`;
    },
  },
  words: {
    ranges: [[0, 7]],
    spell: ([n = 0], draw) => {
      const word = elementAt(
        ["even", "odd", "Monday", "yes", "(A)", "(B)", "no solution", "parallelogram"],
        n,
      );
      return draw.oneOf([
        `\\text{${word}}`,
        `\\text{ ${word} }`,
        `\\mbox{${word}}`,
        `\\textbf{${word}}`,
        ...(/^[a-z]+$/i.test(word) ? [word] : []),
      ]);
    },
  },
};

/** @param seed the same seed gives the same pairs */
export function answerPairs(count: number, seed: number): AnswerPair[] {
  const draw = new Draw(new Random(seed));
  const names = Object.keys(kinds);
  return Array.from({ length: count }, (_, i): AnswerPair => {
    const kind = elementAt(names, i % names.length);
    const { ranges, spell } = kinds[kind] ?? { ranges: [], spell: () => "" };
    const numbers = ranges.map(([low, high]) => draw.integer(low, high));
    const isEqual = draw.integer(0, 1) === 1;
    const others = isEqual ? numbers : changed(numbers, ranges, draw);
    return { kind, a: spell(numbers, draw), b: spell(others, draw), isEqual };
  });
}

/** The numbers of another value: one of them differs. */
function changed(
  numbers: readonly number[],
  ranges: readonly (readonly [number, number])[],
  draw: Draw,
): number[] {
  const at = draw.integer(0, numbers.length - 1);
  const [low, high] = elementAt(ranges, at);
  const old = elementAt(numbers, at);
  const near = draw.oneOf([old + 1, old - 1, -old, draw.integer(low, high)]);
  const other = near !== old && near >= low && near <= high ? near : old === high ? low : old + 1;
  return numbers.with(at, other);
}
