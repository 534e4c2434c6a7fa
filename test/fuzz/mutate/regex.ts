import type { Random } from "../../../src/util/random.ts";
import { type Mutator, oneOf } from "./bytes.ts";
import { mutateText } from "./text.ts";

/** Few letters, so that parts often match the same. */
const atoms = [
  "a",
  "b",
  "a",
  " ",
  ".",
  "s",
  "[ab]",
  "[^b]",
  "\\s",
  "\\S",
  "\\p{L}",
  "\\p{N}",
  "\\b",
  "$",
  "ß",
  "",
];
const quantifiers = [
  "",
  "",
  "",
  "*",
  "+",
  "?",
  "*?",
  "++",
  "*+",
  "?+",
  "{2}",
  "{1,3}",
  "{0,2}?",
  "{2,}",
  "{3}+",
  "{2,1}",
];
const groups = ["(", "(?:", "(?:", "(?i:", "(?>", "(?=", "(?!", "(?<=", "(?<!"];

/** A part of an expression, with its repetition. */
function randomPart(random: Random, depth: number): string {
  const part =
    depth === 0 || random.integerBelow(3) === 0
      ? random.pick(atoms)
      : `${random.pick(groups)}${randomSequence(random, depth - 1)})`;
  return `${part}${random.pick(quantifiers)}`;
}

function randomSequence(random: Random, depth: number): string {
  const parts = Array.from({ length: 1 + random.integerBelow(4) }, () => randomPart(random, depth));
  return parts.join(random.integerBelow(4) === 0 ? "|" : "");
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");

/** Damage to a regular expression: words and marks, a part put into it, the whole of it repeated, another one. */
export const mutateRegex: Mutator = oneOf(
  mutateText([...atoms, ...quantifiers, ...groups, ")", "|"]),
  (input, random) => {
    const pattern = text(input);
    const at = random.integerBelow(pattern.length + 1);
    return Buffer.from(`${pattern.slice(0, at)}${randomPart(random, 2)}${pattern.slice(at)}`);
  },
  (input, random) =>
    Buffer.from(`${random.pick(groups)}${text(input)})${random.pick(quantifiers)}${randomPart(random, 1)}`),
  (_, random) => Buffer.from(randomSequence(random, 3)),
  (_, random) => Buffer.from(randomSequence(random, 3)),
);
