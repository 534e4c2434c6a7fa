import { ftruncateSync } from "node:fs";
import { basename } from "node:path";
import { type DType, scope, Tensor, visitBytes } from "../torch/index.ts";
import { reportActivity } from "../util/activity.ts";
import { cannotWrite } from "../util/cannot-write.ts";
import { internalError, ScaloraError } from "../util/errors.ts";
import { streamFileAtomic, writeFully } from "../util/files.ts";
import { loneSurrogate } from "../util/strict-json.ts";
import { dtypeBits, fileDType } from "./dtypes.ts";

/** A tensor that is loaded only when it is written; the result of `load` is freed after the write. */
export interface LazyTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  load(): Tensor;
}

/** A tensor whose bytes others write into the file; until then they are zeros. */
export interface LaterTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export type TensorSource = Tensor | LazyTensor | LaterTensor;

interface PlannedTensor {
  name: string;
  source: TensorSource;
  dtype: string;
  bytes: number;
}

/**
 * Writes tensors to a safetensors file, atomically (temporary file, fsync, rename).
 * Wider dtypes come first and names are in order, as the reference writer does, so that all data is aligned and
 * equal content gives equal bytes. A tensor is copied to the host piece by piece as it is written.
 * @param metadata strings for `__metadata__`; left out when empty
 * @throws ScaloraError `format` for a name that occurs twice, `run` when the file cannot be written
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, TensorSource]>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const planned = planTensors(path, tensors);
  try {
    streamFileAtomic(path, (descriptor) => {
      const header = headerBytes(planned, metadata);
      writeFully(descriptor, header, 0);
      let position = header.length;
      const total = position + planned.reduce((sum, { bytes }) => sum + bytes, 0);
      for (const item of planned) {
        reportActivity({ what: `writing ${basename(path)}`, done: position, total, unit: "bytes" });
        writeTensor(descriptor, item, position);
        position += item.bytes;
      }
      ftruncateSync(descriptor, position);
    });
  } catch (error) {
    if (error instanceof ScaloraError) throw error;
    throw cannotWrite("Cannot write the safetensors file", path, {
      cause: error,
      otherwise: "choose another folder",
    });
  }
}

/** Bytes of a tensor's data in a file. */
export function tensorBytes(source: TensorSource): number {
  const bits = dtypeBits.get(fileDType(source.dtype)) ?? 0;
  return source.shape.reduce((product, dimension) => product * dimension, bits / 8);
}

function planTensors(path: string, tensors: Iterable<readonly [string, TensorSource]>): PlannedTensor[] {
  const planned: PlannedTensor[] = [];
  const names = new Set<string>(["__metadata__"]);
  for (const [name, source] of tensors) {
    if (names.has(name) || loneSurrogate.test(name)) {
      throw new ScaloraError("format", `A tensor cannot be named ${JSON.stringify(name)}`, {
        where: path,
        expected: "each name once, well-formed, and not __metadata__",
      });
    }
    names.add(name);
    planned.push({ name, source, dtype: fileDType(source.dtype), bytes: tensorBytes(source) });
  }
  const width = (dtype: string) => dtypeBits.get(dtype) ?? 0;
  return planned.sort((a, b) => width(b.dtype) - width(a.dtype) || (a.name < b.name ? -1 : 1));
}

function headerBytes(planned: readonly PlannedTensor[], metadata: Readonly<Record<string, string>>): Buffer {
  const parts: string[] = [];
  if (Object.keys(metadata).length > 0) parts.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let position = 0;
  for (const { name, source, dtype, bytes } of planned) {
    const description = { dtype, shape: source.shape, data_offsets: [position, position + bytes] };
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(description)}`);
    position += bytes;
  }
  const json = Buffer.from(`{${parts.join(",")}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + padded, " ");
  header.writeBigUInt64LE(BigInt(padded));
  json.copy(header, 8);
  return header;
}

function writeTensor(
  descriptor: number,
  { name, source, dtype, bytes }: PlannedTensor,
  position: number,
): void {
  if (!(source instanceof Tensor || "load" in source)) return;
  scope(() => {
    let written = 0;
    visitBytes("load" in source ? checkDType(source.load(), name, dtype) : source, (piece) => {
      writeFully(descriptor, piece, position + written);
      written += piece.length;
    });
    if (written !== bytes) throw internalError(`tensor ${name} gave ${written} bytes, not ${bytes}`);
  });
}

function checkDType(tensor: Tensor, name: string, dtype: string): Tensor {
  if (fileDType(tensor.dtype) !== dtype)
    throw internalError(`tensor ${name} is ${tensor.dtype}, not ${dtype}`);
  return tensor;
}
