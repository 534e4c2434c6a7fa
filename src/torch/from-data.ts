import { native } from "../native/load.ts";
import { type DType, dtypeCode, dtypeOfData, type TensorData } from "./dtype.ts";
import { toDevice } from "./operators.generated.ts";
import { Tensor } from "./tensor.ts";

interface Placement {
  /** Device of the tensor. */
  readonly device: string;
}

/**
 * A tensor holding a copy of a typed array in row-major order. `dtype` is inferred from the array's kind; "bool" (a
 * Uint8Array) and 16-bit floats (bits in a Uint16Array) need it.
 */
export function fromData(
  data: TensorData,
  shape: readonly number[],
  { device, dtype = dtypeOfData(data) }: Placement & { readonly dtype?: DType | undefined },
): Tensor {
  const onHost = new Tensor(native().fromData(data, shape, dtypeCode(dtype)));
  if (device === "cpu") return onHost;
  using source = onHost;
  return toDevice(source, device, dtype);
}

/** A vector of int64, for indices and token ids. */
export function indices(values: ArrayLike<number>, placement: Placement): Tensor {
  return fromData(BigInt64Array.from(values, BigInt), [values.length], placement);
}
