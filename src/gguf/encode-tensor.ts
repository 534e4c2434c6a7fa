import { q8Quantize, reshape, type Tensor, toDevice, toDType } from "../torch/index.ts";
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
      return bytesOf(q8Quantize(rowsOnCpu(tensor)));
    default:
      throw internalError(`${name} cannot be written`);
  }
}

/** `[rows, columns]` in float32 */
function rowsOnCpu(tensor: Tensor): Tensor {
  const columns = elementAt(tensor.shape, tensor.shape.length - 1);
  return reshape(toDevice(tensor, "cpu", "float32"), [-1, columns]);
}

function bytesOf(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data();
  return new Uint8Array(buffer, byteOffset, byteLength);
}
