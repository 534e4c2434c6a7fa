import type { Linear, Module } from "../nn/index.ts";
import { noGrad, scope, Tensor, zeros } from "../torch/index.ts";
import { formatShape } from "../util/format.ts";
import { broken } from "./check-adapter-set.ts";
import { naming } from "./core/name-method.ts";
import { linearLayers } from "./core/targets.ts";

/**
 * Runs the layers of a registered method on one row, one layer of each shape, so that a mistake is reported with the method's
 * name before training begins.
 * @throws ScaloraError naming the method: `run` when a layer's `forward` throws, `config` when it returns something else than
 * `[rows, out]`
 */
export function checkLayers(method: string, model: Module): void {
  const seen = new Set<string>();
  for (const [path, linear] of linearLayers(model)) {
    const shape = formatShape(linear.weight.shape);
    if (linear.adapter === undefined || seen.has(shape)) continue;
    seen.add(shape);
    noGrad(() => scope(() => checkForward(method, path, linear)));
  }
}

function checkForward(method: string, path: string, linear: Linear): void {
  const { dtype, device } = linear.denseWeight();
  const [out = 0, width = 0] = linear.weight.shape;
  const y: unknown = naming(method, `forward() of ${path}`, () =>
    linear.forward(zeros([1, width], { dtype, device })),
  );
  const expected = formatShape([1, out]);
  const found = y instanceof Tensor ? formatShape(y.shape) : "no tensor";
  if (found !== expected) throw broken(method, `forward() gives ${found} for ${expected}`, path);
}
