import { Linear, Module } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import * as torch from "../../torch/index.ts";
import { mapTuple } from "../../util/elements.ts";
import type { AdapterOptions, AdapterSet } from "../index.ts";

/** What the contract matrix expects of a method. */
export interface Expected {
  /** The method with its options, for a rank. */
  options(rank: number): AdapterOptions | { readonly method: "input-gain" };
  /** Whether the adapted model starts as the base model: bit for bit, but for rounding, or not at all. */
  readonly start: "exact" | "rounding" | "other";
  /**
   * What taking the adapters off leaves. `frozen`: the model as it was; `absorbs`: what was merged, without what the factors
   * hold since; `trained`: the trained model, for the weights themselves are trained.
   */
  readonly base: "frozen" | "absorbs" | "trained";
  /** Number of trainable parameters of an adapted weight `[m, n]`. */
  parameters(m: number, n: number, rank: number): number;
  /** The highest rank that a weight `[m, n]` can have; undefined where there is no such bound. */
  highestRank?(m: number, n: number): number;
  /** Whether the adapter alone can be stored as a PEFT folder. */
  readonly folder: boolean;
  /** Whether the base's weights are in 4 bits. */
  readonly onNf4?: boolean;
  /** Whether the method is only what it is after its first step's hooks. */
  readonly begins?: boolean;
  /** Holds still what the method's gradient treats as a constant. */
  hold?(adapters: AdapterSet): void;
}

/** Layers of odd shapes, two of them equal, with and without bias: `tanh` between them. */
export class OddModel extends Module {
  readonly first: Linear;
  readonly second: Linear;
  readonly third: Linear;
  readonly last: Linear;

  constructor(dtype: torch.DType) {
    super();
    using generator = new torch.Generator(5, "cpu");
    const random = (...shape: number[]) =>
      torch
        .scope(() =>
          torch.toDType(
            torch.mulScalar(torch.randn(shape, { generator, dtype: "float64", device: "cpu" }), 0.6),
            dtype,
          ),
        )
        .keep();
    this.first = new Linear(random(5, 9), random(5));
    this.second = new Linear(random(7, 5));
    this.third = new Linear(random(5, 7), random(5));
    this.last = new Linear(random(5, 9));
  }

  /** @param x `[rows, 9]`; the result is `[rows, 5]` */
  forward(x: Tensor): Tensor {
    const long = this.third.forward(torch.tanh(this.second.forward(torch.tanh(this.first.forward(x)))));
    return torch.add(long, this.last.forward(x));
  }
}

export const oddShapes: readonly (readonly [m: number, n: number])[] = [
  [5, 9],
  [7, 5],
  [5, 7],
  [5, 9],
];

export const inputRows = (dtype: torch.DType) => {
  using generator = new torch.Generator(6, "cpu");
  return torch.scope(() =>
    torch.toDType(torch.randn([6, 9], { generator, dtype: "float64", device: "cpu" }), dtype),
  );
};

/** Perturbs the trainable parameters, as if in the middle of training. */
export function moveTrainables(adapters: AdapterSet, size = 0.3): void {
  using generator = new torch.Generator(8, "cpu");
  torch.noGrad(() =>
    torch.scope(() => {
      for (const { value } of adapters.trainables()) {
        const moved = torch.mulScalar(
          torch.randn(value.shape, { generator, dtype: "float64", device: "cpu" }),
          size,
        );
        torch.add_(value, torch.toDType(moved, value.dtype));
      }
    }),
  );
}

/** `‖a − b‖ / ‖b‖` in float64. */
export function distance(a: Tensor, b: Tensor): number {
  return torch.scope(() => {
    const [x, y] = mapTuple([a, b], (t) => torch.toDType(t, "float64"));
    return torch.linalgVectorNorm(torch.sub(x, y)).item() / torch.linalgVectorNorm(y).item();
  });
}

/** The loss of the finite differences. */
export const lossOf = (model: OddModel) =>
  torch.sum(torch.square(model.forward(inputRows(model.first.weight.dtype))));

/**
 * The hooks of one of a method's steps, around its forward and backward pass; the optimiser takes no step.
 * @param step at 1 methods begin; 4 is a step at which every method of the matrix that has events has one
 */
export function passThrough(model: OddModel, adapters: AdapterSet, step: number): void {
  const context = { step, warmupSteps: 0, peakLr: 0.01, lr: 0.01, moments: () => undefined };
  adapters.beforeForward(context);
  torch.scope(() => lossOf(model).backward());
  torch.noGrad(() => adapters.beforeClip(context));
  adapters.zeroGrad();
}
