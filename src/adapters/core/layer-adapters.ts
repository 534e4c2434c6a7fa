import { type Module, namedWeights } from "../../nn/index.ts";
import { copy_, foreachZero_, noGrad, scope, type Tensor, toDType } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Json } from "../../util/json.ts";
import {
  type AdapterSet,
  defaultStepHooks,
  type EventReport,
  type LowRankLayers,
  type ScalingEvents,
  type StepContext,
  type Trainable,
} from "./adapter-set.ts";
import { adapterDType, type Bank } from "./bank.ts";
import { baseFingerprint } from "./base-fingerprint.ts";
import { ModulesToSave } from "./modules-to-save.ts";

/** What all methods that hang adapters on linear layers share: banks, and parts that are trained whole beside them. */
export abstract class LayerAdapters<B extends Bank = Bank> implements AdapterSet {
  readonly method: string;
  readonly trainsBase: boolean = false;
  readonly lowRank: LowRankLayers | undefined = undefined;
  readonly scaling: ScalingEvents | undefined = undefined;
  readonly banks: readonly B[];
  /** What is trained whole beside the adapters. */
  readonly modulesToSave: ModulesToSave;
  readonly model: Module;
  /** Names the adapted weights as they were before anything was trained (`baseFingerprint`). */
  readonly base: string | undefined;

  /** Freezes the model and hangs the adapters on their layers. @param saved paths of what is trained whole */
  constructor(method: string, model: Module, banks: readonly B[], saved: readonly string[]) {
    this.method = method;
    this.model = model;
    this.banks = banks;
    for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(false);
    this.base = baseFingerprint(banks.flatMap(({ layers }) => layers));
    this.modulesToSave = disposeOnError(disposableBanks(banks), () => {
      for (const bank of banks) bank.install();
      return new ModulesToSave(model, saved);
    });
  }

  abstract saveAdapter(folder: string, baseModel: string): void;

  lrFactor(step: number): number {
    return defaultStepHooks.lrFactor(step);
  }

  beforeForward(step: StepContext): void {
    defaultStepHooks.beforeForward(step);
  }

  beforeClip(step: StepContext): EventReport | undefined {
    return defaultStepHooks.beforeClip(step);
  }

  measuresEvent(step: StepContext): boolean {
    return defaultStepHooks.measuresEvent(step);
  }

  trainables(): Trainable[] {
    return [...this.banks.flatMap((bank) => bank.trainables()), ...this.modulesToSave.trainables];
  }

  zeroGrad(): void {
    for (const bank of this.banks) bank.zeroGrad();
    const grads = this.modulesToSave.trainables.map(({ grad }) => grad);
    if (grads.length > 0) foreachZero_(grads);
  }

  parameterCounts(): { trainable: number; all: number } {
    const count = (trainables: readonly Trainable[]) =>
      trainables.reduce((total, { value }) => total + value.numel, 0);
    const own = count(this.banks.flatMap((bank) => bank.trainables()));
    let base = 0;
    for (const [, weight] of namedWeights(this.model)) base += weight.numel;
    return { trainable: own + count(this.modulesToSave.trainables), all: base + own };
  }

  adaptedPaths(): string[] {
    return this.banks.flatMap(({ layers }) => layers.map(({ path }) => path));
  }

  fullyTrainedPaths(): readonly string[] {
    return this.modulesToSave.paths;
  }

  mergedWeight(path: string, dtype: "float32" | "float64" = "float32"): Tensor {
    const { bank, index } = this.find(path);
    return noGrad(() =>
      scope(() => {
        const base = this.baseWeight(bank, index);
        const exact = dtype === "float64" ? dtype : adapterDType(base);
        return toDType(bank.effectiveWeight(index, toDType(base, exact)), dtype, { copy: true });
      }),
    );
  }

  /** The weight that the adapter of a layer is put on; a tensor of the model or a new one. */
  protected baseWeight(bank: B, index: number): Tensor {
    return bank.layers[index].linear.denseWeight();
  }

  /** The bank of a layer, and its place there. */
  find(path: string): { bank: B; index: number } {
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
    const state = new Map(this.trainables().map(({ name, value }) => [name, value]));
    for (const bank of this.banks)
      for (const [part, tensor] of bank.buffers()) state.set(`${bank.name}.${part}`, tensor);
    return state;
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
    this.modulesToSave.dispose();
    for (const bank of this.banks) bank.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const disposableBanks = (banks: readonly Bank[]): Disposable => ({
  [Symbol.dispose]: () => {
    for (const bank of banks) bank.dispose();
  },
});

/** Why a method's adapter cannot be stored alone, and what can. */
export function adapterExportError(why: string): ScaloraError {
  return new ScaloraError("usage", "This run cannot be exported as the adapter it trained", {
    found: why,
    fix: "export it --as merged, or --as svd (the whole change as a LoRA adapter)",
  });
}
