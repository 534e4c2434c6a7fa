import { createHash } from "node:crypto";
import type { Module } from "../nn/module.ts";
import { wholeParameters } from "../nn/sharded-model.ts";
import { scope, visitBytes } from "../torch/index.ts";
import { reportActivity } from "../util/activity.ts";

/**
 * SHA-256 over names, dtypes, shapes and values of all parameters, in hexadecimal: identifies the base model that adapters
 * and checkpoints belong to. Computed before adapters are installed and before training; by all ranks where weights are shared out.
 */
export function hashModel(model: Module): string {
  reportActivity({ what: "hashing the base model's weights" });
  const hash = createHash("sha256");
  for (const [name, whole] of wholeParameters(model))
    scope(() => {
      const tensor = whole();
      hash.update(`${name}\0${tensor.dtype}\0${tensor.shape.join()}\0`);
      visitBytes(tensor, (bytes) => hash.update(bytes));
    });
  return hash.digest("hex");
}
