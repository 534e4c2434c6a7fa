import type { Linear } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { required } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import { isWithinLimits, limitsText } from "../../util/number-limits.ts";
import { requireNumber } from "./adapter-config.ts";
import type { AdapterFolder } from "./adapter-folder.ts";

/** A layer that a folder adapts, with what the folder holds for it. */
export interface PeftLayer {
  readonly folder: string;
  readonly path: string;
  readonly linear: Linear;
  readonly config: AdapterFolder["config"];
  /** The numerator of its scale, of a method that has one. @throws ScaloraError `format` where it is not a number */
  readonly alpha: () => number;
  /** By suffix. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Checks that a tensor of a folder has the shape that its layer needs. @throws ScaloraError `model` */
export function checkShape(
  { folder, path, linear, tensors }: PeftLayer,
  suffix: string,
  shape: readonly number[],
): void {
  const found = required(tensors[suffix], suffix).shape;
  if (found.join() === shape.join()) return;
  throw new ScaloraError("model", "The adapter does not fit the model", {
    where: `${folder}: ${path}${suffix}`,
    expected: `[${shape.join(", ")}] for a weight of shape [${linear.weight.shape.join(", ")}]`,
    found: `[${found.join(", ")}]`,
  });
}

/**
 * The rank r of a layer's two factors, stored as `[r, n]` and `[m, r]`.
 * @throws ScaloraError `model` where they do not fit the layer or each other, or have no columns
 */
export function factorRank(found: PeftLayer, downName: string, upName: string): number {
  const [m, n] = found.linear.weight.shape;
  const rank = lengthOf(found, downName);
  checkShape(found, downName, [rank, n]);
  checkShape(found, upName, [m, rank]);
  return rank;
}

/** The first dimension of a tensor of a folder. @throws ScaloraError `model` where it is 0 or there is none */
export function lengthOf({ folder, path, tensors }: PeftLayer, suffix: string): number {
  const { shape } = required(tensors[suffix], suffix);
  const [length = 0] = shape;
  if (length >= 1) return length;
  throw new ScaloraError("model", "The adapter holds a tensor without numbers", {
    where: `${folder}: ${path}${suffix}`,
    expected: "a first dimension of at least 1",
    found: `[${shape.join(", ")}]`,
  });
}

/** A seed of a folder's config: an integer, at least 0. @throws ScaloraError `format` */
export function seedOf(folder: string, key: string, value: unknown): number {
  const seed = requireNumber(folder, key, value);
  const limits = { whole: true, least: 0 };
  if (isWithinLimits(seed, limits)) return seed;
  throw new ScaloraError("format", `The adapter's ${key} is not a seed`, {
    where: folder,
    expected: limitsText(limits),
    found: String(seed),
  });
}
