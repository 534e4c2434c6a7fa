import type { Tensor } from "../torch/index.js";
import * as torch from "../torch/index.js";
import { internalError, ScaloraError } from "../util/errors.js";

/** What an optimiser moves: `value` in place, by the gradient in `grad` (same shape). */
export interface OptimizedParameter {
  readonly name: string;
  readonly value: Tensor;
  readonly grad: Tensor;
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** The running averages of one parameter: changing them in place changes the optimiser. */
export interface OptimizerMoments {
  readonly expAvg: Tensor;
  readonly expAvgSq?: Tensor;
  /** Steps that the averages have seen, a float32 scalar. */
  readonly steps?: Tensor;
}

export interface Optimizer {
  /** One step at learning rate `lr`; moves every parameter by what its gradient holds. */
  step(lr: number): void;
  moments(name: string): OptimizerMoments | undefined;
  /** Everything a checkpoint must hold, by name; the tensors stay the optimiser's. */
  state(): Map<string, Tensor>;
  /** Takes a state back; the tensors read stay the caller's. */
  loadState(read: (name: string) => Tensor): void;
  dispose(): void;
}

/**
 * A parameter with what arithmetic in float32 needs beside it. torch's fused kernels take one dtype only, and
 * a step is usually below half an ulp of a bfloat16 weight: such a weight moves through a float32 `master`.
 */
export interface Slot {
  readonly parameter: OptimizedParameter;
  /** What the kernel moves: the parameter itself or its float32 master. */
  readonly target: Tensor;
  readonly master: Tensor | undefined;
}

const exactDTypes: ReadonlySet<string> = new Set(["float32", "float64"]);
const halfDTypes: ReadonlySet<string> = new Set(["bfloat16", "float16"]);

/** Checks the parameters and gives each its slot. @throws `internal` on a repeated name, `tensor` on a dtype or shape. */
export function makeSlots(parameters: readonly OptimizedParameter[]): Slot[] {
  const names = new Set<string>();
  return parameters.map((parameter) => {
    const { name, value, grad } = parameter;
    if (names.has(name)) throw internalError(`two parameters of the optimiser are called ${name}`);
    names.add(name);
    if (value.shape.join() !== grad.shape.join())
      throw new ScaloraError("tensor", "A gradient must have its parameter's shape", {
        where: name,
        expected: `[${value.shape.join(", ")}]`,
        found: `[${grad.shape.join(", ")}]`,
      });
    if (exactDTypes.has(value.dtype)) return { parameter, target: value, master: undefined };
    if (!halfDTypes.has(value.dtype))
      throw new ScaloraError("tensor", "Only floating-point parameters can be trained", {
        where: name,
        found: value.dtype,
      });
    const master = torch.noGrad(() => torch.toDType(value, "float32")).keep();
    return { parameter, target: master, master };
  });
}

/**
 * Runs a fused kernel on `slots`: gradients are converted where their dtype differs from what moves, and
 * masters are rounded back into their parameters afterwards.
 */
export function moveSlots(
  slots: readonly Slot[],
  kernel: (targets: Tensor[], grads: Tensor[]) => void,
): void {
  torch.noGrad(() =>
    torch.scope(() => {
      const grads = slots.map(({ parameter: { grad }, target }) =>
        grad.dtype === target.dtype ? grad : torch.toDType(grad, target.dtype),
      );
      kernel(
        slots.map(({ target }) => target),
        grads,
      );
      for (const { parameter, master } of slots) if (master) torch.copy_(parameter.value, master);
    }),
  );
}

/** Copies `read(name)` into each tensor of `state`. @throws `format` when a shape or dtype differs. */
export function loadInto(state: ReadonlyMap<string, Tensor>, read: (name: string) => Tensor): void {
  torch.noGrad(() => {
    for (const [name, tensor] of state) {
      const stored = read(name);
      if (stored.dtype !== tensor.dtype || stored.shape.join() !== tensor.shape.join())
        throw new ScaloraError("format", "A stored optimiser state does not fit this run", {
          where: name,
          expected: `${tensor.dtype} [${tensor.shape.join(", ")}]`,
          found: `${stored.dtype} [${stored.shape.join(", ")}]`,
        });
      torch.copy_(tensor, stored);
    }
  });
}

/** The fused kernels take one dtype and device a call. */
export function byDType<T extends Slot>(entries: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const key = `${entry.target.dtype} ${entry.target.device}`;
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  return [...groups.values()];
}

/** @throws `config` unless `ok`. */
export function checkRange(key: string, value: number, ok: boolean, expected: string): void {
  if (!ok) throw new ScaloraError("config", `${key} is out of range`, { expected, found: String(value) });
}
