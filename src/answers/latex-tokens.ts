import { NotUnderstood } from "./limits.ts";
import { isUnitWord } from "./units.ts";

/** A piece of an answer. */
export interface Token {
  readonly kind: "number" | "symbol" | "words" | "command" | "mark";
  /** The digits, the letter, the words, the command without its backslash, or the mark. */
  readonly text: string;
  /** Whether white space is before it. */
  readonly spaced: boolean;
}

const colour = /\\(?:text)?color\s*(?:\[[^[\]]*\]\s*)?\{[^{}]*\}/.source;
const font = /\\(?:math(?:bf|it|sf|tt|normal)|boldsymbol|bm|pmb|bf)(?![a-zA-Z])/.source;

/** Spellings that mean the same, in the order in which they are replaced. Digits in a font or colour stay next to others. */
const spellings: readonly (readonly [from: RegExp, to: string])[] = [
  [/\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\.?/g, " "],
  [/(?<!\\)\$/g, " "],
  [new RegExp(`(?:${colour}|${font})\\s*\\{\\s*(\\d+)\\s*\\}`, "g"), "$1"],
  [new RegExp(colour, "g"), " "],
  [new RegExp(`${font}(?:\\s*\\{\\s*([A-Za-z])\\s*\\})?`, "g"), " $1"],
  [/(\d)(?:\{,\}|,\\!|\\,|\\!)(?=\d{3}(?!\d))/g, "$1"],
  [/\\([dtc])frac(?![a-zA-Z])/g, "\\frac"],
  [/\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z]))|\\degree(?![a-zA-Z])|\\textdegree|º/g, "°"],
  [/\^\s*\{\s*(st|nd|rd|th)\s*\}/g, "\\text{$1}"],
  [/\^\s*\{\s*\\(?:text|textrm|mathrm)\s*\{\s*(st|nd|rd|th)\s*\}\s*\}/g, "\\text{$1}"],
  [/\^\s*\\(?:text|textrm|mathrm)\s*\{\s*(st|nd|rd|th)\s*\}/g, "\\text{$1}"],
  [/\\mathbb\s*(?:\{\s*R\s*\}|R(?![a-zA-Z]))|ℝ/g, "(-\\infty,\\infty)"],
  [/\\%/g, "%"],
  [/\\#/g, "#"],
  [/\\(?:lvert|rvert|vert|mid)(?![a-zA-Z])/g, "|"],
  [/\\lbrace(?![a-zA-Z])/g, "\\{"],
  [/\\rbrace(?![a-zA-Z])/g, "\\}"],
  [/\\(?:lbrack)(?![a-zA-Z])/g, "["],
  [/\\(?:rbrack)(?![a-zA-Z])/g, "]"],
  [/[−–]/g, "-"],
  [/×|·|\*/g, "\\cdot "],
  [/÷/g, "/"],
  [/√/g, "\\sqrt "],
  [/π/g, "\\pi "],
  [/∞/g, "\\infty "],
  [/≤|<=|\\leq?(?:slant)?(?![a-zA-Z])/g, "\\le "],
  [/≥|>=|\\geq?(?:slant)?(?![a-zA-Z])/g, "\\ge "],
  [/≠|\\neq(?![a-zA-Z])/g, "\\ne "],
  [/\\lt(?![a-zA-Z])/g, "<"],
  [/\\gt(?![a-zA-Z])/g, ">"],
  [/≈/g, "\\approx "],
  [/∪/g, "\\cup "],
  [/±/g, "\\pm "],
  [/∈/g, "\\in "],
  [/∅|\\varnothing(?![a-zA-Z])/g, "\\emptyset "],
  [/½/g, "\\frac{1}{2}"],
  [/²/g, "^2"],
  [/³/g, "^3"],
];

/** `10 000`. Of `100 200` it is not known whether it is one number. */
const spacedNumber = /(?<![\d.,] ?)\d{1,3}(?: \d{3})* 0\d\d(?: \d{3})*(?! ?[\d.])/g;

/** The answer in one spelling, without white space and a full stop at its ends. */
export function cleanLatex(answer: string): string {
  let text = answer;
  for (const [from, to] of spellings) text = text.replace(from, to);
  return text
    .trim()
    .replaceAll(/\s+/g, " ")
    .replace(/ ?[.,;]$/, "")
    .replaceAll(spacedNumber, (number) => number.replaceAll(" ", ""));
}

const wordCommands =
  /\\(?:text|mbox|hbox|textbf|textit|textrm|textnormal|mathrm|operatorname|rm)(?![a-zA-Z])\s*\{/y;
const blank = /(?:\s|~|\\[!,;: ]|\\(?:quad|qquad|displaystyle|textstyle|limits)(?![a-zA-Z]))+/y;
const command = /\\([a-zA-Z]+)/y;
const escaped = /\\([\\{}$&_])/y;
const groupedNumber = /\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?/y;
const plainNumber = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const letters = /[A-Za-z]+/y;

/** Words of this length or more that stand outside a command are a text, not a product of symbols. */
const leastWord = 4;

/**
 * @param grouping whether `1,000` outside of brackets is a number; else it is a list
 * @throws NotUnderstood for a sign that answers do not have
 */
export function tokenize(text: string, grouping: boolean): Token[] {
  const tokens: Token[] = [];
  let [position, depth] = [0, 0];
  const take = (expression: RegExp): string[] | undefined => {
    expression.lastIndex = position;
    const found = expression.exec(text);
    if (found !== null) position += found[0].length;
    return found ?? undefined;
  };
  while (position < text.length) {
    const start = position;
    const spaced = take(blank) !== undefined || start === 0;
    if (position >= text.length) break;
    const add = (kind: Token["kind"], token = "") => tokens.push({ kind, text: token, spaced });
    if (take(wordCommands)) {
      const end = closingBrace(text, position);
      add("words", text.slice(position, end).trim());
      position = end + 1;
      continue;
    }
    const number = (grouping && depth === 0 ? take(groupedNumber) : undefined) ?? take(plainNumber);
    if (number) {
      add("number", number[0]?.replaceAll(",", ""));
      continue;
    }
    const name = take(command)?.[1];
    if (name !== undefined) {
      add("command", name);
      continue;
    }
    const run = take(letters)?.[0];
    if (run !== undefined) {
      addLetters(run, spaced, tokens);
      continue;
    }
    const mark = take(escaped)?.[0] ?? text[position++];
    if (mark === undefined || !/^(?:\\[\\{}$&_]|[-+/^_!%°=<>()[\]{}|,;:.'"&#?])$/.test(mark))
      throw new NotUnderstood(`an unknown sign ${mark}`);
    if (/^(?:[([]|\\\{)$/.test(mark)) depth++;
    if (/^(?:[)\]]|\\\})$/.test(mark)) depth--;
    add("mark", mark);
  }
  return tokens;
}

/** Shorter ones that are words, and never a product of symbols. */
const shortWords = /^(?:and|or|to|of|out|mod|no|not|on|all|yes|odd)$/i;

/** Letters outside a command: a unit after a value, a word, one symbol of several capitals (`AB`), or symbols. */
function addLetters(run: string, spaced: boolean, tokens: Token[]): void {
  const isUnit = run.length >= 2 && isUnitWord(run) && tokens.length > 0;
  if (/^[A-Z]{2,}$/.test(run)) tokens.push({ kind: "symbol", text: run, spaced });
  else if (run.length >= leastWord || shortWords.test(run) || isUnit)
    tokens.push({ kind: "words", text: run, spaced });
  else
    for (const [i, letter] of [...run].entries())
      tokens.push({ kind: "symbol", text: letter, spaced: spaced && i === 0 });
}

/** The index of the brace that closes the one before `start`. */
function closingBrace(text: string, start: number): number {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0) return i;
  }
  throw new NotUnderstood("a brace that is not closed");
}
