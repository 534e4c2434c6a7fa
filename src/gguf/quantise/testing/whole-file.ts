import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Random } from "../../../util/random.ts";
import { readGgufHeader } from "../../header.ts";
import type { CollectedInputs } from "../imatrix.ts";

/** Inputs drawn at random for each matrix in the layers of a GGUF file. */
export function randomInputs(path: string): CollectedInputs {
  const random = new Random(20261130);
  const sums = new Map<string, Float64Array>();
  for (const [name, { shape }] of readGgufHeader(path).tensors)
    if (name.startsWith("blk.") && shape.length > 1)
      sums.set(
        name,
        Float64Array.from({ length: shape.at(-1) ?? 0 }, () => 3000 * random.uniform() ** 4),
      );
  return { dataset: "numbers drawn at random", sums, tokens: 3000 };
}

/** The tensors of a file in their order with their types, and SHA-256 of all their bytes. */
export function contentsOf(path: string): { tensors: string[]; sha256: string } {
  const { tensors } = readGgufHeader(path);
  const begin = Math.min(...Array.from(tensors.values(), (tensor) => tensor.begin));
  const sha256 = createHash("sha256").update(readFileSync(path).subarray(begin)).digest("hex");
  return { tensors: Array.from(tensors, ([name, { type }]) => `${name} ${type.name}`), sha256 };
}
