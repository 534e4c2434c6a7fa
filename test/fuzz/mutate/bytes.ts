import { elementAt } from "../../../src/util/elements.ts";
import type { Random } from "../../../src/util/random.ts";

/** Makes a damaged copy of an input. */
export type Mutator = (input: Uint8Array, random: Random) => Uint8Array;

/** Values that sizes, counts, kinds and offsets like to be taken for. */
export const lies: readonly bigint[] = [
  0n,
  1n,
  7n,
  31n,
  127n,
  255n,
  65535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 60n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Bytes that are not UTF-8, or are but are seldom met: a cut character, half a pair, an overlong NUL, marks, an escape. */
const oddBytes: readonly (readonly number[])[] = [
  [0],
  [0xff, 0xfe],
  [0xef, 0xbb, 0xbf],
  [0xc3],
  [0xf0, 0x9f, 0x98],
  [0xed, 0xa0, 0x80],
  [0xc0, 0x80],
  [0xe2, 0x80, 0xa8],
  [0x1b, 0x5b, 0x32, 0x4a],
];

/** A run of bytes: at most 64 long, or now and then up to all of it. */
function pickRun(length: number, random: Random): { start: number; end: number } {
  const start = random.integerBelow(length + 1);
  const most = random.integerBelow(6) === 0 ? length - start : Math.min(64, length - start);
  return { start, end: start + random.integerBelow(most + 1) };
}

/** The bytes with one run replaced. */
export function replaceRun(bytes: Uint8Array, start: number, end: number, by: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(end)]);
}

/** Two runs that do not overlap, exchanged. */
function swapRuns(bytes: Uint8Array, random: Random): Uint8Array {
  const cuts = Array.from({ length: 4 }, () => random.integerBelow(bytes.length + 1)).sort((a, b) => a - b);
  const [a = 0, b = 0, c = 0, d = 0] = cuts;
  return Buffer.concat([
    bytes.subarray(0, a),
    bytes.subarray(c, d),
    bytes.subarray(b, c),
    bytes.subarray(a, b),
    bytes.subarray(d),
  ]);
}

/** A lie as 1, 2, 4 or 8 bytes, the lowest first. */
export function lieBytes(random: Random, width = random.pick([1, 2, 4, 8])): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(random.pick(lies));
  return bytes.subarray(0, width);
}

const steps: readonly Mutator[] = [
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const at = random.integerBelow(copy.length);
    copy[at] = elementAt(copy, at) ^ (1 << random.integerBelow(8));
    return copy;
  },
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[random.integerBelow(copy.length)] = random.integerBelow(256);
    return copy;
  },
  (bytes, random) => {
    const lie = lieBytes(random);
    const at = random.integerBelow(bytes.length);
    return replaceRun(bytes, at, at + lie.length, lie);
  },
  (bytes, random) => {
    const at = random.integerBelow(bytes.length);
    return replaceRun(bytes, at, at, Uint8Array.from(random.pick(oddBytes)));
  },
  (bytes, random) => {
    const { start, end } = pickRun(bytes.length, random);
    return replaceRun(bytes, start, end, new Uint8Array());
  },
  (bytes, random) => {
    const { start, end } = pickRun(bytes.length, random);
    return replaceRun(bytes, end, end, bytes.subarray(start, end));
  },
  swapRuns,
  (bytes, random) => bytes.subarray(0, random.integerBelow(bytes.length)),
];

/** One to four byte-wise changes: bits, bytes, lies about sizes, odd bytes, runs left out, doubled or exchanged, a cut. */
export const mutateBytes: Mutator = (input, random) => {
  let bytes = input;
  const rounds = 1 + random.integerBelow(4);
  for (let round = 0; round < rounds && bytes.length > 0; round++) bytes = random.pick(steps)(bytes, random);
  return bytes;
};

/** A mutator that is one of several, those named twice twice as often. */
export function oneOf(...mutators: readonly Mutator[]): Mutator {
  return (input, random) => random.pick(mutators)(input, random);
}
