import {
  abs,
  amax,
  fromData,
  ggufQuantize,
  reshape,
  scope,
  type Tensor,
  toDevice,
  toDType,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { dequantise, isQuantised } from "./dequantise.ts";
import type { TensorType } from "./tensor-types.ts";

/**
 * The bytes of a tensor's values, in row-major order.
 * @param importance the mean squares of a matrix's inputs, by which the errors of its columns are weighed
 */
export function encodeTensor(tensor: Tensor, type: TensorType, importance?: Float32Array): Uint8Array {
  if (!isQuantised(type)) return bytesOf(toDType(tensor, plainDType(type)));
  const rows = reshape(toDevice(tensor, "cpu", "float32"), [
    -1,
    elementAt(tensor.shape, tensor.shape.length - 1),
  ]);
  const weights = importance && fromData(importance, [importance.length], { device: "cpu" });
  return bytesOf(ggufQuantize(rows, type.name, { importance: weights }));
}

/** The values of a tensor as a file holds them, in float32. @param bytes what `encodeTensor` made of it */
export function storedValues(exact: Tensor, type: TensorType, bytes: Uint8Array): Tensor {
  if (!isQuantised(type)) return toDType(toDType(exact, plainDType(type)), "float32");
  const numbers = dequantise(type, bytes);
  return reshape(fromData(numbers, [numbers.length], { device: exact.device }), exact.shape);
}

/** The largest magnitudes that the plain types hold; for the others, that of the float16 that their scales are. */
const largestStored: Readonly<Record<string, number>> = {
  F32: 3.4028234663852886e38,
  BF16: 3.3895313892515355e38,
};
const largestFloat16 = 65504;

/** @throws ScaloraError `model` for a value that is NaN or infinite, or would be in the file */
export function checkStorable(name: string, tensor: Tensor, type: TensorType): void {
  const found = scope(() => amax(abs(tensor)).item());
  const limit = largestStored[type.name] ?? largestFloat16;
  if (found <= limit) return;
  const finite = Number.isFinite(found);
  throw new ScaloraError("model", `A weight ${finite ? `is too large for ${type.name}` : "is not finite"}`, {
    where: `tensor ${JSON.stringify(name)}`,
    expected: finite ? `at most ${limit} in magnitude` : "finite numbers",
    found: Number.isNaN(found) ? "NaN" : `${found}`,
    fix: finite
      ? "export it with dtype bf16 or f32 (--dtype)"
      : "export another checkpoint, or train again with a lower train.lr",
  });
}

const plainDType = ({ name }: TensorType) =>
  name === "F32" ? "float32" : name === "F16" ? "float16" : "bfloat16";

function bytesOf(tensor: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data();
  return new Uint8Array(buffer, byteOffset, byteLength);
}
