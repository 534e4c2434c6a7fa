import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { internalError, ScaloraError } from "../util/errors.ts";
import { groupBy } from "../util/group-by.ts";

/** A parameter that an optimiser updates: `value` in place, by the gradient `grad` of the same shape. */
export interface OptimizedParameter {
  readonly name: string;
  readonly value: Tensor;
  readonly grad: Tensor;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** Factor of the learning rate for this parameter; default 1. */
  readonly lrFactor?: number;
}

/** The running averages of one parameter: changing them in place changes the optimiser. */
export interface OptimizerMoments {
  readonly expAvg: Tensor;
  readonly expAvgSq?: Tensor;
  /** Number of steps in the averages: a float32 scalar, or a number for each slice along the first dimension. */
  readonly steps?: Tensor;
  /** Counts the steps of each slice along the first dimension by itself from now on; returns these counts, which are `steps`. */
  stepsBySlice?(): Tensor;
}

/** Updates parameters by their gradients; its state is saved in checkpoints. */
export interface Optimizer extends Disposable {
  /** Decoupled weight decay; absent: none. */
  readonly weightDecay?: number;
  /** Updates every parameter once at learning rate `lr`. */
  step(lr: number): void;
  /** The averages of a trainable by its name; undefined where there are none. */
  moments(name: string): OptimizerMoments | undefined;
  /** The state for a checkpoint, by name; the optimiser keeps the tensors. */
  state(): Map<string, Tensor>;
  /** Restores a state; the caller keeps the tensors that are read. */
  loadState(read: (name: string) => Tensor): void;
  /** Frees the state. */
  dispose(): void;
}

/**
 * A parameter with its float32 master weight, if it needs one: torch's fused kernels take one dtype only, and a step is
 * usually below half an ulp of a bfloat16 weight.
 */
export interface ParameterState {
  readonly parameter: OptimizedParameter;
  /** The tensor that the kernel updates: the parameter or its float32 master weight. */
  readonly target: Tensor;
  readonly master: Tensor | undefined;
}

const exactDTypes: ReadonlySet<string> = new Set(["float32", "float64"]);
const halfDTypes: ReadonlySet<string> = new Set(["bfloat16", "float16"]);

/** Checks the parameters and creates their states. @throws `internal` on a repeated name, `tensor` on a dtype or shape. */
function createParameterStates(parameters: readonly OptimizedParameter[]): ParameterState[] {
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

/** Tensors of one call of a fused kernel, which takes one dtype and device. */
export interface FusedUpdate<Entry> {
  readonly entries: readonly Entry[];
  readonly targets: Tensor[];
  readonly grads: Tensor[];
  readonly lr: number;
  readonly weightDecay: number;
}

/** Base of optimisers on torch's fused kernels: parameter groups, master weights, state by name. */
export abstract class FusedOptimizer<Entry extends ParameterState> implements Optimizer {
  protected readonly entries: readonly Entry[];
  readonly weightDecay: number;

  /** @param withState adds the running averages to a parameter's state */
  constructor(
    parameters: readonly OptimizedParameter[],
    withState: (state: ParameterState) => Entry,
    weightDecay: number,
  ) {
    this.entries = torch.allOrNothing(() => createParameterStates(parameters).map(withState));
    this.weightDecay = weightDecay;
  }

  /** The averages of a trainable by its name; undefined where there are none. */
  abstract moments(name: string): OptimizerMoments | undefined;
  /** The averages of an entry by their names in a checkpoint. */
  protected abstract stateTensors(entry: Entry): Record<string, Tensor | undefined>;
  protected abstract fusedUpdate(move: FusedUpdate<Entry>): void;

  step(lr: number): void {
    for (const group of parameterGroups(this.entries)) {
      const { decay, lrFactor = 1 } = group[0].parameter;
      this.updateGroup(group, lr * lrFactor, decay ? this.weightDecay : 0);
    }
  }

  state(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const entry of this.entries) {
      const tensors = { ...this.stateTensors(entry), master: entry.master };
      for (const [kind, tensor] of Object.entries(tensors))
        if (tensor) state.set(`${kind}.${entry.parameter.name}`, tensor);
    }
    return state;
  }

  loadState(read: (name: string) => Tensor): void {
    copyState(this.state(), read);
  }

  /** Frees the state. */
  dispose(): void {
    for (const tensor of this.state().values()) tensor.dispose();
  }

  /** Frees the state, as `dispose` does. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Updates one group: gradients are converted to the dtype of the target, and master weights rounded to their parameters. */
  private updateGroup(entries: readonly Entry[], lr: number, weightDecay: number): void {
    torch.noGrad(() =>
      torch.scope(() => {
        const grads = entries.map(({ parameter: { grad }, target }) =>
          grad.dtype === target.dtype ? grad : torch.toDType(grad, target.dtype),
        );
        this.fusedUpdate({ entries, targets: entries.map(({ target }) => target), grads, lr, weightDecay });
        for (const { parameter, master } of entries) if (master) torch.copy_(parameter.value, master);
      }),
    );
  }
}

/** Copies `read(name)` into each tensor of `state`. @throws `format` when a shape or dtype differs. */
function copyState(state: ReadonlyMap<string, Tensor>, read: (name: string) => Tensor): void {
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

/** The fused kernels take one dtype, device, rate and decay a call. */
const parameterGroups = <T extends ParameterState>(entries: readonly T[]) =>
  groupBy(entries, ({ target, parameter: { decay, lrFactor } }) =>
    [target.dtype, target.device, decay, lrFactor].join(),
  );
