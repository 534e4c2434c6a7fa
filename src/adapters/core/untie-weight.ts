import type { Linear, Module } from "../../nn/index.ts";
import { clone, noGrad } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";

/**
 * Makes sure that no other module shares the weight of an adapted layer: merging into it would change that module too.
 * `untie` gives the layer a copy; `refuse` throws an error with the fix.
 */
export function untieWeight(model: Module, path: string, linear: Linear, rule: "refuse" | "untie"): void {
  const owners = [...model.namedModules()].filter(([, module]) =>
    Object.values(module).includes(linear.weight),
  );
  if (owners.length < 2) return;
  if (rule === "refuse") {
    throw new ScaloraError("config", "A weight that is tied to another module cannot be merged into", {
      where: path,
      found: `shared with ${owners
        .map(([name]) => name)
        .filter((name) => name !== path)
        .join(", ")}`,
      fix: "leave the layer out (adapter.exclude), or set adapter.tied: untie, which saves it as a weight of its own",
    });
  }
  linear.weight = noGrad(() => clone(linear.plainWeight())).keep();
}
