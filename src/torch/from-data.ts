import { native } from "../native/load.ts";
import { type DType, dtypeCode, dtypeOfData, type TensorData } from "./dtype.ts";
import { Tensor } from "./tensor.ts";

interface Placement {
  /** Device of the tensor. */
  readonly device: string;
}

/**
 * A tensor holding a copy of a typed array in row-major order. `dtype` is inferred from the array's kind; "bool" (a
 * Uint8Array) and 16-bit floats (bits in a Uint16Array) need it. The host does not wait for a GPU to take its copy.
 */
export function fromData(
  data: TensorData,
  shape: readonly number[],
  { device, dtype = dtypeOfData(data) }: Placement & { readonly dtype?: DType | undefined },
): Tensor {
  return new Tensor(native().fromData(data, shape, dtypeCode(dtype), device));
}

/** A vector of int64, for indices and token ids. */
export function indices(values: ArrayLike<number>, placement: Placement): Tensor {
  return fromData(BigInt64Array.from(values, BigInt), [values.length], placement);
}
