import { fromData, type Tensor, toDType } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { internalError } from "../util/errors.ts";
import { type TensorType, tensorTypeByName } from "./tensor-types.ts";

/** The types that can be written. */
export type WritableType = "F32" | "F16" | "BF16" | "Q8_0";

/**
 * The type that a tensor is stored as: vectors stay F32, and rows whose length is not a multiple of the block size become F16
 * (as in llama.cpp's conversion).
 */
export function tensorTypeFor(wanted: WritableType, shape: readonly number[]): TensorType {
  if (shape.length < 2) return tensorTypeByName("F32");
  const type = tensorTypeByName(wanted);
  return elementAt(shape, shape.length - 1) % type.blockSize === 0 ? type : tensorTypeByName("F16");
}

/** The bytes of a tensor's values, in row-major order. */
export function encodeTensor(tensor: Tensor, { name }: TensorType): Uint8Array {
  switch (name) {
    case "F32":
      return bytesOf(toDType(tensor, "float32"));
    case "F16":
      return bytesOf(toDType(tensor, "float16"));
    case "BF16":
      return bytesOf(toDType(tensor, "bfloat16"));
    case "Q8_0":
      return encodeQ80(float32Data(tensor));
    default:
      throw internalError(`${name} cannot be written`);
  }
}

function float32Data(tensor: Tensor): Float32Array {
  const data = toDType(tensor, "float32").data();
  if (data instanceof Float32Array) return data;
  throw internalError("float32 data of another kind");
}

function bytesOf(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Blocks of 32 with the scale that maps the largest magnitude to 127; every step rounds to float32, halves round away from
 * zero (ggml, `quantize_row_q8_0_ref`).
 */
function encodeQ80(values: Float32Array): Uint8Array {
  const blocks = values.length / 32;
  const scales = new Float32Array(blocks);
  const out = new Uint8Array(blocks * 34);
  for (let block = 0; block < blocks; block++) {
    // Indices are twice as fast as an iterator, for the millions of numbers of a model.
    const [start, end] = [block * 32, block * 32 + 32];
    let largest = 0;
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(values[i] ?? 0));
    const scale = Math.fround(largest / 127);
    scales[block] = scale;
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    let to = block * 34 + 2;
    for (let i = start; i < end; i++)
      out[to++] = roundHalfAwayFromZero(Math.fround((values[i] ?? 0) * inverse));
  }
  writeBlockScales(out, scales);
  return out;
}

const roundHalfAwayFromZero = (value: number) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

function writeBlockScales(out: Uint8Array, scales: Float32Array): void {
  using wide = fromData(scales, [scales.length], { device: "cpu" });
  using half = toDType(wide, "float16");
  const bits = half.data();
  for (let block = 0; block < scales.length; block++) {
    const value = Number(bits[block]);
    out[block * 34] = value & 255;
    out[block * 34 + 1] = value >> 8;
  }
}
