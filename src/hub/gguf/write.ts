import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { scope, type Tensor } from "../../torch/index.js";
import { internalError, messageOf, ScaloraError } from "../../util/errors.js";
import { syncFolder } from "../../util/files.js";
import { encodeTensor } from "./encode.js";
import { type MetadataItem, valueBytes } from "./metadata-items.js";
import type { TensorType } from "./types.js";

/** A tensor to write, made when its turn comes. */
export interface GgufSource {
  readonly name: string;
  readonly type: TensorType;
  /** As torch has it. */
  readonly shape: readonly number[];
  /** The numbers in any floating dtype; freed after the write. */
  load(): Tensor;
}

const alignment = 32;

/**
 * Writes a GGUF file (version 3), complete or not at all: temporary file, fsync, rename. One tensor at a time is held in
 * memory.
 * @throws ScaloraError `run` when the file cannot be written
 */
export function writeGguf(
  path: string,
  metadata: readonly MetadataItem[],
  tensors: readonly GgufSource[],
): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(temporary, "w");
    try {
      writeContent(descriptor, metadata, tensors);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary);
    if (error instanceof ScaloraError) throw error;
    throw new ScaloraError("run", "Cannot write the GGUF file", {
      where: path,
      found: messageOf(error),
      fix: "make room or permissions there, or choose another place",
      cause: error,
    });
  }
}

function writeContent(
  descriptor: number,
  metadata: readonly MetadataItem[],
  tensors: readonly GgufSource[],
): void {
  const parts = [start(tensors.length, metadata.length), ...metadata.map(itemBytes)];
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(infoBytes(tensor, offset));
    offset += padded(storedBytes(tensor));
  }
  const header = Buffer.concat(parts);
  writeFully(descriptor, header, padded(header.length));
  for (const tensor of tensors) {
    const bytes = scope(() => encodeTensor(tensor.load(), tensor.type));
    if (bytes.length !== storedBytes(tensor))
      throw internalError(`tensor ${tensor.name} gave ${bytes.length} bytes, not ${storedBytes(tensor)}`);
    writeFully(descriptor, bytes, padded(bytes.length));
  }
}

function start(tensors: number, keys: number): Buffer {
  const buffer = Buffer.alloc(24);
  buffer.write("GGUF", "latin1");
  buffer.writeUInt32LE(3, 4);
  buffer.writeBigUInt64LE(BigInt(tensors), 8);
  buffer.writeBigUInt64LE(BigInt(keys), 16);
  return buffer;
}

function itemBytes([key, value]: MetadataItem): Buffer {
  return Buffer.concat([valueBytes({ kind: "string", value: key }, false), valueBytes(value, true)]);
}

function infoBytes({ name, type, shape }: GgufSource, offset: number): Buffer {
  const rest = Buffer.alloc(4 + 8 * shape.length + 12);
  rest.writeUInt32LE(shape.length);
  for (const [i, extent] of [...shape].reverse().entries()) rest.writeBigUInt64LE(BigInt(extent), 4 + 8 * i);
  rest.writeUInt32LE(type.id, rest.length - 12);
  rest.writeBigUInt64LE(BigInt(offset), rest.length - 8);
  return Buffer.concat([valueBytes({ kind: "string", value: name }, false), rest]);
}

/** Bytes of a tensor's data. */
function storedBytes({ type, shape }: GgufSource): number {
  return (shape.reduce((product, extent) => product * extent, 1) / type.block) * type.bytes;
}

const padded = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

/** One write call takes at most 2 GiB. */
const maxWrite = 1 << 30;

function writeFully(descriptor: number, bytes: Uint8Array, length: number): void {
  let done = 0;
  while (done < bytes.length)
    done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, maxWrite));
  writeSync(descriptor, Buffer.alloc(length - bytes.length));
}
