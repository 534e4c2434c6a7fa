import { formatShape } from "../util/format.ts";
import { ByteReader } from "./byte-reader.ts";
import { ggufFormatError } from "./format-error.ts";
import { GgufMetadata, readValue, type StoredMetadataValue } from "./metadata.ts";
import { type TensorType, tensorTypes, typeLabel } from "./tensor-types.ts";

/** Type, shape and position of one tensor. */
export interface GgufTensor {
  readonly type: TensorType;
  /** In torch's order, the slowest dimension first (GGUF stores the fastest first). */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly begin: number;
  readonly byteLength: number;
}

export interface GgufHeader {
  readonly path: string;
  /** File size in bytes. */
  readonly size: number;
  readonly metadata: GgufMetadata;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Above the needs of any model, and low enough that a malicious file cannot fill the memory. */
const limits = { keys: 1 << 16, tensors: 1 << 17, nameBytes: 1 << 12, text: 1 << 26 };
const magic = "GGUF";

/**
 * Reads and validates the header of a GGUF file (version 2 or 3, little-endian). Every count, length and offset is checked
 * against the file's size before anything is read or allocated for it. Arrays stay in the file until they are requested.
 * @throws ScaloraError `format`, naming the file and the key or tensor
 */
export function readGgufHeader(path: string): GgufHeader {
  using reader = new ByteReader(path);
  const { tensorCount, keyCount } = readPreamble(reader);
  const metadata = new GgufMetadata(path, readMetadata(reader, keyCount));
  const infos = readTensorInfos(reader, tensorCount);
  const alignment = readAlignment(metadata);
  const start = Math.ceil(reader.position / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const [name, info] of infos) tensors.set(name, locateTensor(reader, name, info, start, alignment));
  checkNoOverlap(path, tensors);
  return { path, size: reader.size, metadata, tensors };
}

function readPreamble(reader: ByteReader): { tensorCount: number; keyCount: number } {
  const { path } = reader;
  const first = reader.size < 4 ? "" : reader.bytes(4).toString("latin1");
  if (first !== magic) {
    const found = reader.size < 4 ? `a file of ${reader.size} bytes` : JSON.stringify(first);
    throw ggufFormatError(path, "This is not a GGUF file", {
      expected: `a file that begins with ${magic}`,
      found,
      fix: "give a .gguf file, or a Hugging Face model folder",
    });
  }
  const version = reader.uint32();
  if (version !== 2 && version !== 3) {
    const swapped = version !== 0 && (version & 0xffff) === 0;
    throw ggufFormatError(path, "This version of GGUF is not supported", {
      expected: "version 2 or 3, little-endian",
      found: swapped ? "a big-endian file" : `version ${version}`,
    });
  }
  const tensorCount = readCount(reader, "tensors", limits.tensors);
  return { tensorCount, keyCount: readCount(reader, "metadata keys", limits.keys) };
}

function readCount(reader: ByteReader, things: string, limit: number): number {
  reader.context = `the number of ${things}`;
  const count = reader.readSize();
  if (count <= limit) return count;
  throw ggufFormatError(reader.where, "A count in the file is impossible", {
    expected: `at most ${limit}`,
    found: `${count}`,
  });
}

function readMetadata(reader: ByteReader, count: number): Map<string, StoredMetadataValue> {
  const entries = new Map<string, StoredMetadataValue>();
  let text = 0;
  for (let index = 0; index < count; index++) {
    reader.context = `key ${index + 1} of ${count}`;
    const key = readName(reader);
    reader.context = `key ${JSON.stringify(key)}`;
    if (entries.has(key)) throw ggufFormatError(reader.where, "A key occurs twice", {});
    const value = readValue(reader);
    entries.set(key, value);
    if (typeof value === "string") text += value.length;
    if (text <= limits.text) continue;
    throw ggufFormatError(reader.where, "The strings of the file are too long", {
      expected: `at most ${limits.text} characters together`,
      found: "more",
    });
  }
  return entries;
}

function readName(reader: ByteReader): string {
  const name = reader.string(limits.nameBytes);
  if (name !== "") return name;
  throw ggufFormatError(reader.where, "A name is empty", {});
}

interface TensorInfo {
  readonly type: TensorType;
  readonly shape: readonly number[];
  readonly offset: number;
}

function readTensorInfos(reader: ByteReader, count: number): Map<string, TensorInfo> {
  const infos = new Map<string, TensorInfo>();
  for (let index = 0; index < count; index++) {
    reader.context = `tensor ${index + 1} of ${count}`;
    const name = readName(reader);
    reader.context = `tensor ${JSON.stringify(name)}`;
    if (infos.has(name)) throw ggufFormatError(reader.where, "A tensor occurs twice", {});
    const shape = readShape(reader);
    const id = reader.uint32();
    const type = tensorTypes.get(id);
    if (type === undefined) {
      throw ggufFormatError(reader.where, "This tensor type is not supported", {
        expected: [...tensorTypes.values()].map((known) => known.name).join(", "),
        found: typeLabel(id),
        fix: "take another quantisation of the model, such as Q8_0 or Q4_K_M",
      });
    }
    infos.set(name, { type, shape, offset: reader.readSize() });
  }
  return infos;
}

function readShape(reader: ByteReader): number[] {
  const count = reader.uint32();
  if (count < 1 || count > 4) {
    throw ggufFormatError(reader.where, "A tensor has an impossible number of dimensions", {
      expected: "1 to 4",
      found: `${count}`,
    });
  }
  return Array.from({ length: count }, () => reader.readSize()).reverse();
}

function readAlignment(metadata: GgufMetadata): number {
  const key = "general.alignment";
  const alignment = metadata.count(key) ?? 32;
  if (alignment >= 8 && alignment <= 1 << 20 && Number.isInteger(Math.log2(alignment))) return alignment;
  throw ggufFormatError(`${metadata.path}, key ${JSON.stringify(key)}`, "The alignment is impossible", {
    expected: "a power of two from 8 to 2^20",
    found: `${alignment}`,
  });
}

function locateTensor(
  reader: ByteReader,
  name: string,
  { type, shape, offset }: TensorInfo,
  start: number,
  alignment: number,
): GgufTensor {
  const where = `${reader.path}, tensor ${JSON.stringify(name)}`;
  const numbers = shape.reduce((product, extent) => product * extent, 1);
  const row = shape.at(-1) ?? 1;
  if (numbers === 0 || !Number.isSafeInteger(numbers * type.blockBytes) || row % type.blockSize !== 0) {
    throw ggufFormatError(where, "A tensor has an impossible shape", {
      expected: `rows of a multiple of ${type.blockSize} values (${type.name}), fewer than 2^53 bytes`,
      found: formatShape(shape),
    });
  }
  const bytes = (numbers / type.blockSize) * type.blockBytes;
  const begin = start + offset;
  if (offset % alignment !== 0)
    throw ggufFormatError(where, "A tensor is not aligned", {
      expected: `an offset that is a multiple of ${alignment}`,
      found: `${offset}`,
    });
  if (begin + bytes > reader.size) {
    throw ggufFormatError(where, "The file is truncated, or a tensor's size is wrong", {
      expected: `${bytes} bytes from byte ${begin} on (${type.name} ${formatShape(shape)})`,
      found: `a file of ${reader.size} bytes`,
      fix: "download or copy the file again",
    });
  }
  return { type, shape, begin, byteLength: bytes };
}

function checkNoOverlap(path: string, tensors: ReadonlyMap<string, GgufTensor>): void {
  let end = 0;
  for (const [name, { begin, byteLength }] of [...tensors].sort(([, a], [, b]) => a.begin - b.begin)) {
    if (begin < end) throw ggufFormatError(`${path}, tensor ${JSON.stringify(name)}`, "Tensors overlap", {});
    end = begin + byteLength;
  }
}
