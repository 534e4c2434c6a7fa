import type { Random } from "../../../src/util/random.ts";
import { lies, type Mutator, mutateBytes, oneOf, replaceRun } from "./bytes.ts";

/** A field of a header: where it is and how wide. */
interface Field {
  readonly at: number;
  readonly width: number;
}

/** The fields of a header in order, and where each entry (metadata or tensor) begins; the last ends the header. */
interface Layout {
  readonly fields: Field[];
  readonly entries: number[];
}

/** Widths of metadata types by number; a string (8) and a list (9) have none. */
const widths: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

/** Walks through a header, as far as it is one. */
class HeaderWalker {
  readonly layout: Layout = { fields: [], entries: [] };
  private at = 0;
  private readonly bytes: Buffer;

  constructor(file: Uint8Array) {
    this.bytes = Buffer.from(file);
  }

  walk(): Layout {
    this.number(4);
    this.number(4);
    const tensors = this.number(8);
    const pairs = this.number(8);
    for (let i = 0; i < pairs; i++) {
      this.layout.entries.push(this.at);
      this.string();
      this.value(this.number(4));
    }
    for (let i = 0; i < tensors; i++) {
      this.layout.entries.push(this.at);
      this.string();
      const dimensions = this.number(4);
      for (let d = 0; d < dimensions; d++) this.number(8);
      this.number(4);
      this.number(8);
    }
    this.layout.entries.push(this.at);
    return this.layout;
  }

  private number(width: number): number {
    this.layout.fields.push({ at: this.at, width });
    const value =
      width === 8 ? Number(this.bytes.readBigUInt64LE(this.at)) : this.bytes.readUIntLE(this.at, width);
    this.at += width;
    return value;
  }

  private string(): void {
    this.at += this.number(8);
  }

  private value(type: number): void {
    if (type === 8) this.string();
    else if (type === 9) this.list();
    else this.number(widths[type] ?? 0);
  }

  private list(): void {
    const type = this.number(4);
    const length = this.number(8);
    // One element stands for all of them.
    if (type !== 8) this.at += length * (widths[type] ?? 0);
    else for (let i = 0; i < length; i++) this.at += 8 + Number(this.bytes.readBigUInt64LE(this.at));
  }
}

const layouts = new WeakMap<Uint8Array, Layout>();

/** The layout of a file, kept; undefined when it is too damaged to be walked through. */
function layoutOf(file: Uint8Array): Layout | undefined {
  try {
    const layout = layouts.get(file) ?? new HeaderWalker(file).walk();
    layouts.set(file, layout);
    return layout;
  } catch {
    return undefined;
  }
}

/** Writes lies and small numbers into one to three fields. */
function changeFields(file: Uint8Array, random: Random): Uint8Array {
  const layout = layoutOf(file);
  if (layout === undefined) return mutateBytes(file, random);
  const copy = Buffer.from(file);
  const rounds = 1 + random.integerBelow(3);
  for (let round = 0; round < rounds; round++) {
    const { at, width } = random.pick(layout.fields);
    const value = random.integerBelow(2) === 0 ? random.pick(lies) : BigInt(random.integerBelow(40));
    for (let i = 0; i < width; i++) copy[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return copy;
}

/** Doubles, drops or moves a whole entry. */
function changeEntries(file: Uint8Array, random: Random): Uint8Array {
  const layout = layoutOf(file);
  if (layout === undefined || layout.entries.length < 2) return mutateBytes(file, random);
  const index = random.integerBelow(layout.entries.length - 1);
  const [start = 0, end = 0] = layout.entries.slice(index, index + 2);
  const entry = file.subarray(start, end);
  const target = random.pick(layout.entries);
  switch (random.integerBelow(3)) {
    case 0:
      return replaceRun(file, start, end, new Uint8Array());
    case 1:
      return replaceRun(file, target, target, entry);
    default:
      return target > start
        ? replaceRun(replaceRun(file, target, target, entry), start, end, new Uint8Array())
        : replaceRun(replaceRun(file, start, end, new Uint8Array()), target, target, entry);
  }
}

/** Damages a part of the header, which is small beside the data. */
function damageHeader(file: Uint8Array, random: Random): Uint8Array {
  const end = layoutOf(file)?.entries.at(-1) ?? file.length;
  return Buffer.concat([mutateBytes(file.subarray(0, end), random), file.subarray(end)]);
}

/** Damage to a GGUF file: lengths, counts, types, offsets and dimensions; whole entries; any byte. */
export const mutateGguf: Mutator = oneOf(
  changeFields,
  changeFields,
  changeFields,
  changeEntries,
  damageHeader,
  mutateBytes,
);
