import { expect, test } from "vitest";
import { preTokenizers } from "../gguf/pre-tokenizers.ts";
import { regexFault } from "./check-regex.ts";

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const used = {
  gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "gpt-4o": `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${contractions}?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${contractions}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  cl100k:
    "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
  "deepseek-v3":
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  bloom: " ?[^(\\s|[.,!?…。，、।۔،])]+",
  clip: "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
  "digits in threes": "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))",
  "marks after letters": "(?:\\p{L}\\p{M}*)+",
  t5: " {2,}",
  "bytes of sentencepiece": "(?<=<)(?=0x[0-9A-F]{2}>)",
};

test.each(Object.entries(used))("the expression of %s is matched in time", (_, pattern) => {
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

test.each([
  "(x+x+)+y",
  "(?:a|a)*b",
  "(.*)*\\n",
  "(?:a{1,3})+b",
  "a{1,3}+b",
  "x*x*x*y",
  "\\s*(?=[\\s\\S]*x)",
  "(?:a?){30}a{30}",
  `${"a?".repeat(30)}b`,
  "x{0,1000}x{0,1000}y",
])("%s may be tried for ever", (pattern) => {
  expect(regexFault(pattern)).toContain("may be tried for ever");
});

test.each(["(a)\\1", "(?<n>a)\\k<n>", "\\g<0>?a", "(?~a)", "(*FAIL)", "(?(1)a)", "(?x)a", "(a", "a)", "[a"])(
  "%s is not supported",
  (pattern) => {
    expect(regexFault(pattern)).toContain(pattern);
  },
);
