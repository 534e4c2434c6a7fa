import { elementAt } from "../../../src/util/elements.ts";
import type { Random } from "../../../src/util/random.ts";
import { type Mutator, mutateBytes } from "./bytes.ts";
import { mutateText } from "./text.ts";

/**
 * A JSON value as a tree that can also hold what JSON does not: keys twice, and any text as a value. A list's entries have
 * no key.
 */
type Node = { readonly text: string } | { readonly list: boolean; readonly entries: Entry[] };

interface Entry {
  key: string;
  value: Node;
}

/** Values as they are written, right and wrong. */
const hostileValues: readonly string[] = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "1",
  "-1",
  "0.5",
  "1e999",
  "-1e999",
  "1e-400",
  "9007199254740993",
  "2147483648",
  "4294967296",
  "18446744073709551616",
  "1e15",
  "NaN",
  "Infinity",
  "01",
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\u001b[31m"',
  '"__proto__"',
  '"(a+)+$"',
  '"["',
  `"${"x".repeat(5000)}"`,
  "[]",
  "{}",
  "[[]]",
  '{"__proto__":{"a":1}}',
  "[null]",
  `${"[".repeat(200)}${"]".repeat(200)}`,
  `${"[".repeat(6000)}${"]".repeat(6000)}`,
  `${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`,
];

const hostileKeys: readonly string[] = [
  "([a-z_.]+)+!",
  "__proto__",
  "constructor",
  "toString",
  "",
  "x",
  "\0",
  "\u001b[2J",
];

function toNode(value: unknown): Node {
  if (typeof value !== "object" || value === null) return { text: JSON.stringify(value) };
  const entries = Object.entries(value).map(([key, item]) => ({ key, value: toNode(item) }));
  return { list: Array.isArray(value), entries };
}

function toText(node: Node): string {
  if ("text" in node) return node.text;
  if (node.list) return `[${node.entries.map(({ value }) => toText(value)).join(",")}]`;
  return `{${node.entries.map(({ key, value }) => `${JSON.stringify(key)}:${toText(value)}`).join(",")}}`;
}

/** A random entry at any depth, and where it is; undefined when there is none. */
function pickEntry(top: Node, random: Random): { entries: Entry[]; index: number } | undefined {
  let picked: { entries: Entry[]; index: number } | undefined;
  for (let node = top; !("text" in node) && node.entries.length > 0; ) {
    picked = { entries: node.entries, index: random.integerBelow(node.entries.length) };
    node = elementAt(node.entries, picked.index).value;
    if (random.integerBelow(4) === 0) break;
  }
  return picked;
}

/** Numbers next to the one that is there, for limits that are off by one; nothing for other values. */
function numbersNear(node: Node): string[] {
  const number = "text" in node ? Number(node.text) : Number.NaN;
  if (!Number.isFinite(number)) return [];
  return [number + 1, number - 1, number * 2, -number, number + 0.5].map(String);
}

function changeEntry(top: Node, random: Random, values: readonly string[]): void {
  const place = pickEntry(top, random);
  if (place === undefined) return;
  const { entries, index } = place;
  const entry = elementAt(entries, index);
  const other = pickEntry(top, random);
  switch (random.integerBelow(9)) {
    case 0:
      entries.splice(index, 1);
      return;
    case 1:
      entries.splice(index, 0, { key: entry.key, value: { text: toText(entry.value) } });
      return;
    case 2:
      entry.key = random.pick(hostileKeys);
      return;
    case 3:
      if (other) entry.key = elementAt(other.entries, other.index).key;
      return;
    case 4:
      if (other) entry.value = { text: toText(elementAt(other.entries, other.index).value) };
      return;
    case 5:
      entry.value = { text: `[${toText(entry.value)}]` };
      return;
    default:
      entry.value = {
        text: random.pick([...values, ...numbersNear(entry.value), ...numbersNear(entry.value)]),
      };
  }
}

/** Changes one to three values or keys of a JSON text at any depth; `values`, as JSON, are of its own kind. */
export function mutateJson(values: readonly string[] = []): Mutator {
  const all = [...hostileValues, ...values, ...values];
  const asText = mutateText();
  return (input, random) => {
    const way = random.integerBelow(10);
    if (way === 0) return mutateBytes(input, random);
    return (way > 1 && mutateTree(input, random, all)) || asText(input, random);
  };
}

/** Changes entries of a text that is JSON, and not nested too deep for this; otherwise undefined. */
function mutateTree(input: Uint8Array, random: Random, values: readonly string[]): Uint8Array | undefined {
  try {
    const top = toNode(JSON.parse(Buffer.from(input).toString("utf8")));
    const rounds = random.integerBelow(2) === 0 ? 1 : 1 + random.integerBelow(4);
    for (let round = 0; round < rounds; round++) changeEntry(top, random, values);
    return Buffer.from(toText(top));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
