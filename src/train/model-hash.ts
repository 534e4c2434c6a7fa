import { createHash, type Hash } from "node:crypto";
import type { Module } from "../nn/module.ts";
import { detach, narrow, noGrad, reshape, scope, type Tensor } from "../torch/index.ts";

/** Elements that are copied out of a tensor at a time: the copy stays in the processor's cache while it is hashed. */
const piece = 1 << 18;

/**
 * SHA-256 over names, dtypes, shapes and values of all parameters, in hexadecimal: identifies the base model that adapters
 * and checkpoints belong to. Computed before adapters are installed and before training.
 */
export function hashModel(model: Module): string {
  const hash = createHash("sha256");
  for (const [name, tensor] of model.namedParameters()) {
    hash.update(`${name}\0${tensor.dtype}\0${tensor.shape.join()}\0`);
    noGrad(() => scope(() => updateWithValues(hash, tensor)));
  }
  return hash.digest("hex");
}

function updateWithValues(hash: Hash, tensor: Tensor): void {
  const flat = reshape(detach(tensor), [-1]);
  for (let start = 0; start < flat.numel; start += piece) {
    using part = narrow(flat, 0, start, Math.min(piece, flat.numel - start));
    const { buffer, byteOffset, byteLength } = part.data();
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
}
