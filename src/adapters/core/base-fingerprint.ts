import { createHash } from "node:crypto";
import { reshape, scope, slice, type Tensor, toDType, viewDType } from "../../torch/index.js";
import { ScaloraError } from "../../util/errors.js";
import type { BankLayer } from "./bank.js";

/** Numbers of each weight that are looked at: another model differs everywhere. */
const sampled = 1024;

/**
 * SHA-256, in hexadecimal, over the paths, shapes and evenly spaced numbers of the weights that an adapter is made for. The
 * numbers are rounded to bfloat16, so that a model has one fingerprint in whichever precision it is loaded.
 */
export function baseFingerprint(layers: readonly Pick<BankLayer, "path" | "linear">[]): string {
  const hash = createHash("sha256");
  const byPath = [...layers].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, linear } of byPath) {
    hash.update(`${path}\0${linear.weight.shape.join()}\0`);
    hash.update(scope(() => sampleOf(linear.weight)));
  }
  return hash.digest("hex");
}

function sampleOf(weight: Tensor): Uint8Array {
  const step = Math.max(1, Math.floor(weight.numel / sampled));
  const numbers = slice(reshape(weight, [-1]), 0, 0, sampled * step, step);
  const { buffer, byteOffset, byteLength } = viewDType(toDType(numbers, "bfloat16"), "int16").data();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @throws ScaloraError `model` where an adapter was made for other weights than these layers have */
export function checkBase(
  folder: string,
  made: string | undefined,
  layers: readonly Pick<BankLayer, "path" | "linear">[],
  base: unknown,
): void {
  if (made === undefined || made === baseFingerprint(layers)) return;
  throw new ScaloraError("model", "The adapter was trained on another base model", {
    where: folder,
    expected:
      typeof base === "string" && base !== "" ? `the weights of ${base}` : "the weights it was trained on",
    found: "a model of the same shapes with other weights",
    fix: "give the model it was trained on, or one exported --as merged, which needs no adapter",
  });
}
