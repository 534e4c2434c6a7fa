import type { Linear } from "../nn/index.ts";
import {
  cat,
  Generator,
  linalgVectorNorm,
  linear,
  noGrad,
  randn,
  scope,
  select,
  sub,
  type Tensor,
  toDType,
  zeros,
} from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** Largest relative difference of two ways to compute one product: several times what rounding gives. */
const tolerance = { float32: 1e-3, bfloat16: 0.05 };

/**
 * Checks that a merged weight computes what the layer computes with its adapter, on a row of zeros and a random row: an
 * adapter that is not a change of the weight alone (a trained bias, something that is not linear in x) would be lost.
 * @param merged W′ `[out, in]`, float32
 * @throws ScaloraError `config` naming the method and the layer
 */
export function checkMerge(method: string, path: string, layer: Linear, merged: Tensor): void {
  const found = noGrad(() => scope(() => mergeProblem(layer, merged)));
  if (found === undefined) return;
  throw new ScaloraError("config", `The adapter of method ${method} cannot be merged into a weight`, {
    where: path,
    expected: "a layer that computes x W′ᵀ + b, with W′ of effectiveWeight and the layer's own bias b",
    found,
    fix: "docs/adapters.md (A method of your own) says what an adapter may change",
  });
}

function mergeProblem(layer: Linear, merged: Tensor): string | undefined {
  const { dtype, device } = layer.denseWeight();
  using generator = new Generator(0, device);
  const shape = [1, merged.size(1)];
  const x = toDType(cat([zeros(shape, { device }), randn(shape, { generator, device })]), dtype);
  const bias = layer.bias === undefined ? null : toDType(layer.bias, "float32");
  const expected = linear(toDType(x, "float32"), merged, { bias });
  const difference = sub(toDType(layer.forward(x), "float32"), expected);
  const norm = (rows: Tensor, row: number) => linalgVectorNorm(select(rows, 0, row)).item();
  // 0 · W is exactly 0 in every dtype.
  if (norm(difference, 0) !== 0) return "a bias of the adapter's own: x = 0 does not give b";
  const relative = norm(difference, 1) / Math.max(norm(expected, 1), Number.MIN_VALUE);
  if (relative <= tolerance[dtype === "float32" ? "float32" : "bfloat16"]) return undefined;
  return `another result: a relative difference of ${relative.toPrecision(2)}`;
}
