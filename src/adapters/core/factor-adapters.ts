import type { Module } from "../../nn/index.js";
import {
  add,
  copy_,
  foreachZero_,
  matmul,
  noGrad,
  scope,
  select,
  type Tensor,
  toDType,
  transpose,
} from "../../torch/index.js";
import { ScaloraError } from "../../util/errors.js";
import type { Json } from "../../util/json.js";
import { type BankLayer, FactorBank, groupLayers } from "./bank.js";
import type { AdapterSet, Trainable } from "./contract.js";
import { SavedModules } from "./saved-modules.js";

/** A layer to adapt, with the rank and scale of its adapter. */
export type ScaledTarget = BankLayer & { readonly rank: number; readonly scale: number };

/** What an adapter of two factors is put on. */
export interface LowRankPlan {
  /** The layers to adapt with their ranks and scales. */
  readonly targets: ScaledTarget[];
  /** Paths of the modules that are trained whole. */
  readonly saved: string[];
}

/** The effective weight of an adapted layer is `W + s·A·Bᵀ`: what all methods made of two factors share. */
export class FactorAdapters implements AdapterSet {
  readonly method: string;
  readonly banks: readonly FactorBank[];
  /** What is trained whole beside the factors. */
  readonly saved: SavedModules;
  readonly model: Module;

  /** Freezes the model and hangs zero factors on the layers. @param saved paths of what is trained whole */
  constructor(
    method: string,
    model: Module,
    targets: readonly ScaledTarget[],
    saved: readonly string[] = [],
  ) {
    this.method = method;
    this.model = model;
    for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(false);
    this.banks = groupLayers(targets).map(({ shape, layers }, index) => {
      const { m, n, rank } = shape;
      return new FactorBank(`bank${index}.${m}x${n}r${rank}`, shape, layers);
    });
    this.saved = new SavedModules(model, saved);
  }

  trainables(): Trainable[] {
    return [...this.banks.flatMap((bank) => bank.trainables()), ...this.saved.trainables];
  }

  zeroGrad(): void {
    for (const bank of this.banks) bank.zeroGrad();
    const grads = this.saved.trainables.map(({ grad }) => grad);
    if (grads.length > 0) foreachZero_(grads);
  }

  parameterCounts(): { trainable: number; all: number } {
    const count = (trainables: readonly Trainable[]) =>
      trainables.reduce((total, { value }) => total + value.numel, 0);
    const factors = count(this.banks.flatMap((bank) => bank.trainables()));
    let base = 0;
    for (const [, parameter] of this.model.namedParameters()) base += parameter.numel;
    return { trainable: factors + count(this.saved.trainables), all: base + factors };
  }

  adaptedPaths(): string[] {
    return this.banks.flatMap(({ layers }) => layers.map(({ path }) => path));
  }

  mergedWeight(path: string, dtype: "float32" | "float64" = "float32"): Tensor {
    const { bank, index } = this.find(path);
    return noGrad(() =>
      scope(() => {
        const exact = dtype === "float64" ? dtype : bank.A.dtype;
        const slice = (stack: Tensor) => toDType(select(stack, 0, index), exact);
        const product = matmul(slice(bank.A), transpose(slice(bank.B), 0, 1));
        const merged = add(toDType(this.baseWeight(bank, index), exact), product, bank.shape.scale);
        return toDType(merged, dtype, undefined, true);
      }),
    );
  }

  /** The weight that the adapter of a layer is added to; a tensor of the model or a new one. */
  protected baseWeight(bank: FactorBank, index: number): Tensor {
    return bank.layers[index].linear.weight;
  }

  /** The bank of a layer, and its place there. */
  find(path: string): { bank: FactorBank; index: number } {
    for (const bank of this.banks) {
      const index = bank.layers.findIndex((layer) => layer.path === path);
      if (index >= 0) return { bank, index };
    }
    throw new ScaloraError("model", "The layer has no adapter", {
      where: path,
      expected: `one of ${this.adaptedPaths().length} adapted layers, such as ${this.adaptedPaths()[0]}`,
    });
  }

  state(): Map<string, Tensor> {
    return new Map(this.trainables().map(({ name, value }) => [name, value]));
  }

  loadState(read: (name: string) => Tensor): void {
    noGrad(() => {
      for (const [name, tensor] of this.state()) copy_(tensor, read(name));
    });
  }

  counters(): Json {
    return {};
  }

  loadCounters(_counters: Json): void {}

  /** Takes the adapters off and frees them; the base weights stay as they are, saved modules become what they were. */
  dispose(): void {
    this.saved.dispose();
    for (const bank of this.banks) bank.dispose();
  }
}
