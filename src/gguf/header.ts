import { formatShape } from "../util/format.ts";
import { ByteReader } from "./byte-reader.ts";
import { malformed } from "./malformed.ts";
import { Metadata, type MetadataEntry, readValue } from "./metadata.ts";
import { type TensorType, tensorTypes, typeLabel } from "./types.ts";

/** Where one tensor lies. */
export interface GgufTensor {
  readonly type: TensorType;
  /** As torch has it: the slowest dimension first (the format names the fastest first). */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly begin: number;
  readonly bytes: number;
}

export interface GgufHeader {
  readonly path: string;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly metadata: Metadata;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** More than any model has, and few enough that a file of tiny entries cannot fill the memory. */
const most = { keys: 1 << 16, tensors: 1 << 17, nameBytes: 1 << 12, text: 1 << 26 };
const magic = "GGUF";

/**
 * Reads and checks the header of a GGUF file (version 2 or 3, little-endian). Nothing is believed: every count, length and
 * offset is held against the file's size before anything is read or allocated for it. Long lists stay in the file until
 * they are asked for.
 * @throws ScaloraError `format`, naming the file and the key or tensor
 */
export function readGgufHeader(path: string): GgufHeader {
  using reader = new ByteReader(path);
  const { tensorCount, keyCount } = readStart(reader);
  const metadata = new Metadata(path, readMetadata(reader, keyCount));
  const infos = readTensorInfos(reader, tensorCount);
  const alignment = readAlignment(metadata);
  const start = Math.ceil(reader.position / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const [name, info] of infos) tensors.set(name, place(reader, name, info, start, alignment));
  refuseOverlaps(path, tensors);
  return { path, size: reader.size, metadata, tensors };
}

function readStart(reader: ByteReader): { tensorCount: number; keyCount: number } {
  const { path } = reader;
  const first = reader.size < 4 ? "" : reader.bytes(4).toString("latin1");
  if (first !== magic) {
    const found = reader.size < 4 ? `a file of ${reader.size} bytes` : JSON.stringify(first);
    throw malformed(path, "This is not a GGUF file", {
      expected: `a file that begins with ${magic}`,
      found,
      fix: "give a .gguf file, or a Hugging Face model folder",
    });
  }
  const version = reader.uint32();
  if (version !== 2 && version !== 3) {
    const swapped = version !== 0 && (version & 0xffff) === 0;
    throw malformed(path, "This version of the format cannot be read", {
      expected: "version 2 or 3, little-endian",
      found: swapped ? "a big-endian file" : `version ${version}`,
    });
  }
  const tensorCount = readCount(reader, "tensors", most.tensors);
  return { tensorCount, keyCount: readCount(reader, "metadata keys", most.keys) };
}

function readCount(reader: ByteReader, things: string, limit: number): number {
  reader.what = `the number of ${things}`;
  const count = reader.size64();
  if (count <= limit) return count;
  throw malformed(reader.where, "A count in the file is impossible", {
    expected: `at most ${limit}`,
    found: `${count}`,
  });
}

function readMetadata(reader: ByteReader, count: number): Map<string, MetadataEntry> {
  const entries = new Map<string, MetadataEntry>();
  let text = 0;
  for (let index = 0; index < count; index++) {
    reader.what = `key ${index + 1} of ${count}`;
    const key = readName(reader);
    reader.what = `key ${JSON.stringify(key)}`;
    if (entries.has(key)) throw malformed(reader.where, "A key occurs twice", {});
    const value = readValue(reader);
    entries.set(key, value);
    if (typeof value === "string") text += value.length;
    if (text <= most.text) continue;
    throw malformed(reader.where, "The strings of the file are too long", {
      expected: `at most ${most.text} characters together`,
      found: "more",
    });
  }
  return entries;
}

function readName(reader: ByteReader): string {
  const name = reader.string(most.nameBytes);
  if (name !== "") return name;
  throw malformed(reader.where, "A name is empty", {});
}

interface TensorInfo {
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly offset: number;
}

function readTensorInfos(reader: ByteReader, count: number): Map<string, TensorInfo> {
  const infos = new Map<string, TensorInfo>();
  for (let index = 0; index < count; index++) {
    reader.what = `tensor ${index + 1} of ${count}`;
    const name = readName(reader);
    reader.what = `tensor ${JSON.stringify(name)}`;
    if (infos.has(name)) throw malformed(reader.where, "A tensor occurs twice", {});
    const shape = readShape(reader);
    const id = reader.uint32();
    const type = tensorTypes.get(id);
    if (type === undefined) {
      throw malformed(reader.where, "Tensors of this type cannot be read", {
        expected: [...tensorTypes.values()].map((known) => known.name).join(", "),
        found: typeLabel(id),
        fix: "take another quantisation of the model, such as Q8_0 or Q4_K_M",
      });
    }
    infos.set(name, { type, shape, offset: reader.size64() });
  }
  return infos;
}

function readShape(reader: ByteReader): number[] {
  const count = reader.uint32();
  if (count < 1 || count > 4) {
    throw malformed(reader.where, "A tensor has an impossible number of dimensions", {
      expected: "1 to 4",
      found: `${count}`,
    });
  }
  return Array.from({ length: count }, () => reader.size64()).reverse();
}

function readAlignment(metadata: Metadata): number {
  const key = "general.alignment";
  const alignment = metadata.count(key) ?? 32;
  if (alignment >= 8 && alignment <= 1 << 20 && Number.isInteger(Math.log2(alignment))) return alignment;
  throw malformed(`${metadata.path}, key ${JSON.stringify(key)}`, "The alignment is impossible", {
    expected: "a power of two from 8 to 2^20",
    found: `${alignment}`,
  });
}

function place(
  reader: ByteReader,
  name: string,
  { type, shape, offset }: TensorInfo,
  start: number,
  alignment: number,
): GgufTensor {
  const where = `${reader.path}, tensor ${JSON.stringify(name)}`;
  const numbers = shape.reduce((product, extent) => product * extent, 1);
  const row = shape[shape.length - 1];
  if (numbers === 0 || !Number.isSafeInteger(numbers * type.bytes) || row % type.block !== 0) {
    throw malformed(where, "A tensor has an impossible shape", {
      expected: `rows of a multiple of ${type.block} numbers (${type.name}), fewer than 2^53 bytes`,
      found: formatShape(shape),
    });
  }
  const bytes = (numbers / type.block) * type.bytes;
  const begin = start + offset;
  if (offset % alignment !== 0)
    throw malformed(where, "A tensor is not aligned", {
      expected: `an offset that is a multiple of ${alignment}`,
      found: `${offset}`,
    });
  if (begin + bytes > reader.size) {
    throw malformed(where, "The file is cut short, or lies about a tensor", {
      expected: `${bytes} bytes from byte ${begin} on (${type.name} ${formatShape(shape)})`,
      found: `a file of ${reader.size} bytes`,
      fix: "download or copy the file again",
    });
  }
  return { type, shape, begin, bytes };
}

function refuseOverlaps(path: string, tensors: ReadonlyMap<string, GgufTensor>): void {
  let end = 0;
  for (const [name, { begin, bytes }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin)) {
    if (begin < end) throw malformed(`${path}, tensor ${JSON.stringify(name)}`, "Tensors overlap", {});
    end = begin + bytes;
  }
}
