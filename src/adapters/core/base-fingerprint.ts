import { createHash } from "node:crypto";
import type { Linear } from "../../nn/index.ts";
import { reshape, scope, slice, Tensor, toDType, viewDType } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";

/** Values sampled from each weight: enough, since another model differs everywhere. */
const sampled = 1024;

/** A layer whose weight is looked at, in a scope of its own. */
interface FingerprintedLayer {
  readonly path: string;
  readonly linear: { readonly weight: Linear["weight"] };
}

/**
 * SHA-256, in hexadecimal, over the paths, shapes and evenly spaced values of the weights that an adapter belongs to. The
 * values are rounded to bfloat16, so that a model has the same fingerprint in every dtype.
 * @returns undefined for quantised weights: their adapters are also used on the original weights
 */
export function baseFingerprint(layers: readonly FingerprintedLayer[]): string | undefined {
  const hash = createHash("sha256");
  const byPath = [...layers].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, linear } of byPath) {
    const isPlain = scope(() => {
      const { weight } = linear;
      if (!(weight instanceof Tensor)) return false;
      hash.update(`${path}\0${weight.shape.join()}\0`).update(sampleOf(weight));
      return true;
    });
    if (!isPlain) return undefined;
  }
  return hash.digest("hex");
}

function sampleOf(weight: Tensor): Uint8Array {
  // Odd, so that rows of even length are not all looked at in the same place.
  const step = 2 * Math.floor(Math.max(0, weight.numel / sampled - 1) / 2) + 1;
  const numbers = slice(reshape(weight, [-1]), { start: 0, end: sampled * step, step });
  const { buffer, byteOffset, byteLength } = viewDType(toDType(numbers, "bfloat16"), "int16").data();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @throws ScaloraError `model` where an adapter was made for other weights than these layers have */
export function checkBase(
  folder: string,
  made: string | undefined,
  layers: readonly FingerprintedLayer[],
  base: unknown,
): void {
  if (made === undefined) return;
  const found = baseFingerprint(layers);
  if (found === undefined || found === made) return;
  throw new ScaloraError("model", "The adapter was trained on another base model", {
    where: folder,
    expected:
      typeof base === "string" && base !== "" ? `the weights of ${base}` : "the weights it was trained on",
    found: "a model of the same shapes with other weights",
    fix: "give the model it was trained on, or one exported as merged (--as merged), which needs no adapter",
  });
}
