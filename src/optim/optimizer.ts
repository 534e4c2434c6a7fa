import type { Tensor } from "../torch/index.ts";
import * as torch from "../torch/index.ts";
import { internalError, ScaloraError } from "../util/errors.ts";
import { groupBy } from "../util/group-by.ts";

/** What an optimiser moves: `value` in place, by the gradient in `grad` (same shape). */
export interface OptimizedParameter {
  readonly name: string;
  readonly value: Tensor;
  readonly grad: Tensor;
  /** Whether weight decay applies. */
  readonly decay: boolean;
  /** What the learning rate is multiplied by for this one; default 1. */
  readonly lrFactor?: number;
}

/** The running averages of one parameter: changing them in place changes the optimiser. */
export interface OptimizerMoments {
  readonly expAvg: Tensor;
  readonly expAvgSq?: Tensor;
  /** Steps that the averages have seen, a float32 scalar. */
  readonly steps?: Tensor;
}

/** Moves trainables by their gradients; its state belongs to a run's checkpoints. */
export interface Optimizer extends Disposable {
  /** One step at learning rate `lr`; moves every parameter by what its gradient holds. */
  step(lr: number): void;
  /** The averages of a trainable by its name; undefined where there are none. */
  moments(name: string): OptimizerMoments | undefined;
  /** Everything a checkpoint must hold, by name; the tensors stay the optimiser's. */
  state(): Map<string, Tensor>;
  /** Takes a state back; the tensors read stay the caller's. */
  loadState(read: (name: string) => Tensor): void;
  /** Frees the state. */
  dispose(): void;
}

/**
 * A parameter with what arithmetic in float32 needs beside it. torch's fused kernels take one dtype only, and
 * a step is usually below half an ulp of a bfloat16 weight: such a weight moves through a float32 `master`.
 */
export interface ParameterState {
  readonly parameter: OptimizedParameter;
  /** What the kernel moves: the parameter itself or its float32 master. */
  readonly target: Tensor;
  readonly master: Tensor | undefined;
}

const exactDTypes: ReadonlySet<string> = new Set(["float32", "float64"]);
const halfDTypes: ReadonlySet<string> = new Set(["bfloat16", "float16"]);

/** Checks the parameters and gives each its slot. @throws `internal` on a repeated name, `tensor` on a dtype or shape. */
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

/** What a fused kernel moves: one dtype and device a call. */
export interface FusedUpdate<Entry> {
  readonly entries: readonly Entry[];
  readonly targets: Tensor[];
  readonly grads: Tensor[];
  readonly lr: number;
  readonly weightDecay: number;
}

/** What optimisers on torch's fused kernels share: groups with and without weight decay, masters, state by name. */
export abstract class FusedOptimizer<Entry extends ParameterState> implements Optimizer {
  protected readonly entries: readonly Entry[];
  private readonly weightDecay: number;

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
  /** The averages of an entry by the kind that names them in a checkpoint. */
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

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Gradients are converted where their dtype differs from what moves, and masters rounded back afterwards. */
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

/** @throws `config` unless `ok`. */
export function checkRange(key: string, value: number, ok: boolean, expected: string): void {
  if (!ok) throw new ScaloraError("config", `${key} is out of range`, { expected, found: String(value) });
}
