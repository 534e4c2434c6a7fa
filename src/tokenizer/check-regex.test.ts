import { expect, test } from "vitest";
import { preTokenizers } from "../gguf/pre-tokenizers.ts";
import { regexFault } from "./check-regex.ts";
import { publishedPatterns } from "./testing/published-patterns.ts";

test.each(Object.entries(publishedPatterns))("the expression of %s is matched in time", (_, pattern) => {
  expect(regexFault(pattern)).toBeUndefined();
});

test("those of all GGUF files are, too", () => {
  const text = JSON.stringify([...preTokenizers.values()]);
  const patterns = [...text.matchAll(/"Regex":("(?:[^"\\]|\\.)*")/g)].map(([, json = ""]) =>
    String(JSON.parse(json)),
  );
  expect(patterns.length).toBeGreaterThan(5);
  for (const pattern of patterns) expect(regexFault(pattern)).toBeUndefined();
});

/** 2 to the power of 40 ways to match forty letters. */
const manyWays = `${"(?:a|a){10}".repeat(4)}[bc]`;

test.each([
  "(x+x+)+y",
  "(?:a|a)*b",
  "(.*)*\\n",
  "(?:a{1,3})+b",
  "a{1,3}+b",
  "x*x*x*y",
  "\\s*(?=[\\s\\S]*x)",
  "a*(?=a*)b",
  "(?:a*b)*c",
  "(?=a*b)*",
  `${"a?".repeat(30)}b`,
  "x{0,1000}x{0,1000}y",
  "(?:a{100}){100}",
  manyWays,
  `(?>${manyWays})d`,
  `(?=${manyWays})d`,
  `(?<!${"(?:a|a)".repeat(40)}b)d`,
  `(?:${manyWays})*`,
  "(?:a|a){10}(?:a|a){9}a*[bc]",
  "(?:a|a)(?:a|a)(?:a|a)a*[bc]",
])("%s is refused: it may be tried for ever", (pattern) => {
  expect(regexFault(pattern)).toMatch(/may be tried for ever|not supported/);
});

test.each([
  ...[
    "(a)\\1",
    "(?<n>a)\\k<n>",
    "\\g<0>?a",
    "(?~a)",
    "(*FAIL)",
    "(?(1)a)",
    "(?x)a",
    "(?i)a",
    "(?#a)",
    "(a",
    "a)",
  ],
  ...["[a", "[]a]", "\\", "a{", "a**", "|*", "\\X", "\\R", "\\K", "[\\c]a]", "\\xe4", "(?<=a*)b"],
  // An end below the start makes Oniguruma swap both, and repeat possessively.
  ...[`${manyWays}e{2,1}`, "a{1001}", "(?:a?){2}", "(?:)*", "(?:a|)*"],
  // One letter that is two in the other case.
  ...["(?i:[ß s])+x", "(?i:ß)", "(?i:\\p{L})", "(?i:[^a])", "(?i:.)"],
])("%s is not supported", (pattern) => {
  expect(regexFault(pattern)).toContain(pattern);
});

test.each(["(", "[", "(?=", "a|", "(?:a|"])("thousands of %s are refused, or matched in time", (piece) => {
  for (const count of [3, 3000, 20_000]) {
    const pattern = `${piece.repeat(count)}${")".repeat(count)}`;
    if (count > 2000) expect(regexFault(pattern)).toBeDefined();
    else expect(() => regexFault(pattern)).not.toThrow();
  }
});
