import { elementAt } from "../../../src/util/elements.ts";
import type { Random } from "../../../src/util/random.ts";
import type { Mutator } from "./bytes.ts";

/** Words that programs trip over in any text. */
const hostileWords: readonly string[] = [
  "",
  "0",
  "-1",
  "1e999",
  "NaN",
  "null",
  "true",
  "9007199254740993",
  "1".repeat(400),
  "__proto__",
  "constructor",
  "\0",
  "\u001b[2J",
  "\u202e",
  "\ufeff",
  "\ud800",
  "é😀",
  "../../etc/passwd",
  "[".repeat(3000),
  "x".repeat(3000),
];

/** Words, runs of spaces, and single marks. */
const tokens = /[\p{L}\p{N}_.]+|\s+|[^\p{L}\p{N}_.\s]/gu;

/** Exchanges, doubles, drops or replaces one to four words or marks of a text; `words` are of its own language. */
export function mutateText(words: readonly string[] = []): Mutator {
  const all = [...hostileWords, ...words, ...words];
  return (input, random) => {
    const parts = Buffer.from(input).toString("utf8").match(tokens) ?? [""];
    const rounds = 1 + random.integerBelow(4);
    for (let round = 0; round < rounds && parts.length > 0; round++) mutateParts(parts, random, all);
    return Buffer.from(parts.join(""));
  };
}

function mutateParts(parts: string[], random: Random, words: readonly string[]): void {
  const at = random.integerBelow(parts.length);
  const other = random.integerBelow(parts.length);
  const count = 1 + random.integerBelow(8);
  switch (random.integerBelow(6)) {
    case 0:
      parts[at] = random.pick(words);
      return;
    case 1:
      parts.splice(at, 0, random.pick(words));
      return;
    case 2:
      parts.splice(at, count);
      return;
    case 3:
      parts.splice(other, 0, ...parts.slice(at, at + count));
      return;
    case 4:
      parts[at] = elementAt(parts, other);
      return;
    default:
      for (let i = 0; i < count; i++) parts.splice(at, 0, elementAt(parts, at));
  }
}

/** Works on one line of a text of lines: changes it by another mutator, moves, doubles or drops it. */
export function mutateLines(within: Mutator): Mutator {
  return (input, random) => {
    const lines = Buffer.from(input).toString("latin1").split("\n");
    const at = random.integerBelow(lines.length);
    const line = elementAt(lines, at);
    switch (random.integerBelow(8)) {
      case 0:
        lines.splice(at, 1);
        break;
      case 1:
        lines.splice(random.integerBelow(lines.length), 0, line);
        break;
      case 2:
        lines.splice(random.integerBelow(lines.length), 0, ...lines.splice(at, 1));
        break;
      default:
        lines[at] = Buffer.from(within(Buffer.from(line, "latin1"), random)).toString("latin1");
    }
    return Buffer.from(lines.join("\n"), "latin1");
  };
}
