import { dirname } from "node:path";
import { scope, type Tensor } from "../torch/index.ts";
import { reportActivity } from "../util/activity.ts";
import { cannotWrite } from "../util/cannot-write.ts";
import { internalError, ScaloraError } from "../util/errors.ts";
import { makeFolders, streamFileAtomic, writeFully } from "../util/files.ts";
import { encodeMetadataValue, type MetadataItem } from "./encode-metadata.ts";
import { checkStorable, encodeTensor, storedValues } from "./encode-tensor.ts";
import type { TensorType } from "./tensor-types.ts";

/** A tensor to write, loaded when its turn comes. */
export interface GgufTensorSource {
  readonly name: string;
  readonly type: TensorType;
  /** In torch's order, the slowest dimension first. */
  readonly shape: readonly number[];
  /** The values in any floating dtype; freed after the write. */
  load(): Tensor;
  /** Mean squares of a matrix's inputs, by which its rounding errors are weighed. */
  readonly importance?: Float32Array | undefined;
}

/** Called for each tensor, with what it was and what the file holds of it, within a scope. */
export type OnStored = (exact: Tensor, stored: Tensor) => void;

const alignment = 32;

/**
 * Writes a GGUF file (version 3) atomically (temporary file, fsync, rename), and creates its folders. One tensor at a time is
 * held in memory.
 * @throws ScaloraError `run` when the file cannot be written, `model` for a weight that is not finite
 */
export function writeGguf(
  path: string,
  metadata: readonly MetadataItem[],
  tensors: readonly GgufTensorSource[],
  onStored?: OnStored,
): void {
  try {
    makeFolders(dirname(path));
    streamFileAtomic(path, (descriptor) => writeContent(descriptor, metadata, tensors, onStored));
  } catch (error) {
    if (error instanceof ScaloraError) throw error;
    throw cannotWrite("Cannot write the GGUF file", path, {
      cause: error,
      otherwise: "choose another place",
    });
  }
}

function writeContent(
  descriptor: number,
  metadata: readonly MetadataItem[],
  tensors: readonly GgufTensorSource[],
  onStored: OnStored | undefined,
): void {
  const parts = [start(tensors.length, metadata.length), ...metadata.map(itemBytes)];
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(infoBytes(tensor, offset));
    offset += padded(storedBytes(tensor));
  }
  const header = Buffer.concat(parts);
  writePadded(descriptor, header);
  for (const [done, tensor] of tensors.entries()) {
    reportActivity({ what: "writing the weights", done, total: tensors.length });
    const bytes = encode(tensor, onStored);
    if (bytes.length !== storedBytes(tensor))
      throw internalError(`tensor ${tensor.name} gave ${bytes.length} bytes, not ${storedBytes(tensor)}`);
    writePadded(descriptor, bytes);
  }
}

function encode(
  { name, type, importance, load }: GgufTensorSource,
  onStored: OnStored | undefined,
): Uint8Array {
  return scope(() => {
    const exact = load();
    checkStorable(name, exact, type);
    const bytes = encodeTensor(exact, type, importance);
    onStored?.(exact, storedValues(exact, type, bytes));
    return bytes;
  });
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
  return Buffer.concat([
    encodeMetadataValue({ kind: "string", value: key }, false),
    encodeMetadataValue(value, true),
  ]);
}

function infoBytes({ name, type, shape }: GgufTensorSource, offset: number): Buffer {
  const rest = Buffer.alloc(4 + 8 * shape.length + 12);
  rest.writeUInt32LE(shape.length);
  for (const [i, extent] of [...shape].reverse().entries()) rest.writeBigUInt64LE(BigInt(extent), 4 + 8 * i);
  rest.writeUInt32LE(type.id, rest.length - 12);
  rest.writeBigUInt64LE(BigInt(offset), rest.length - 8);
  return Buffer.concat([encodeMetadataValue({ kind: "string", value: name }, false), rest]);
}

/** Bytes of a tensor's data. */
function storedBytes({ type, shape }: GgufTensorSource): number {
  return (shape.reduce((product, extent) => product * extent, 1) / type.blockSize) * type.blockBytes;
}

const padded = (bytes: number) => Math.ceil(bytes / alignment) * alignment;

/** Writes bytes, then zeros up to the alignment. */
function writePadded(descriptor: number, bytes: Uint8Array): void {
  writeFully(descriptor, bytes);
  writeFully(descriptor, Buffer.alloc(padded(bytes.length) - bytes.length));
}
