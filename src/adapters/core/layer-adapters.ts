import { countWeights, type Module, type RowSlice } from "../../nn/index.ts";
import { copy_, foreachZero_, narrow, noGrad, scope, type Tensor, toDType } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Json } from "../../util/json.ts";
import { outputPath } from "../../util/output-path.ts";
import {
  type AdapterSet,
  type ChangedBase,
  defaultStepHooks,
  type EventReport,
  type LowRankLayers,
  type ScalingEvents,
  type StepContext,
  type StepHooks,
  type Trainable,
} from "./adapter-set.ts";
import { adapterDType, type Bank } from "./bank.ts";
import { baseFingerprint } from "./base-fingerprint.ts";
import type { BaseStore } from "./base-store.ts";
import { ModulesToSave } from "./modules-to-save.ts";
import { naming } from "./name-method.ts";

/** What a method does besides holding its banks: at each step, in checkpoints, when it is disposed. */
export interface MethodHooks extends StepHooks {
  /** Numbers that are not tensors: plain data for a checkpoint. */
  counters(): Json;
  /** Restores what `counters` returned. */
  loadCounters(counters: Json): void;
  /** After a state was taken back. */
  stateLoaded(): void;
  /** As `AdapterSet` has it. */
  passKey(): string | number | boolean;
  /** Frees what the method holds in addition to its banks. */
  dispose(): void;
}

/** Hooks of methods whose passes only compute with tensors. */
export const fixedPasses: Pick<MethodHooks, "passKey"> = { passKey: () => 0 };

/** The parts of an adapter set. Hooks that are left out do nothing. */
export interface AdapterParts<B extends Bank = Bank> {
  readonly method: string;
  readonly model: Module;
  /** One for every group of equal layers (`groupIntoBanks`). */
  readonly banks: readonly B[];
  /** Where the adapted weights are, by bank, of methods that merge into them. */
  readonly bases?: readonly BaseStore[];
  /** Paths of the modules that are trained in full (`resolveModulesToSave`). */
  readonly modulesToSave?: readonly string[];
  readonly lowRank?: LowRankLayers;
  readonly scaling?: ScalingEvents;
  readonly hooks?: Partial<MethodHooks>;
  /** Writes the adapter as a PEFT folder; by default it is refused. */
  saveAdapter?(folder: string, adapters: LayerAdapters<B>, baseModel: string): void;
  /**
   * Of methods that merge into the base: writes the factors alone as a PEFT folder, for the base as it is now.
   * @param base names the weights of that base (`baseFingerprint`)
   */
  saveOnChangedBase?(folder: string, adapters: LayerAdapters<B>, baseModel: string, base?: string): void;
}

/**
 * Freezes the model, puts the adapters of some banks on their layers and makes an adapter set of them; it owns the banks.
 * Where it fails, they are taken off again and freed.
 */
export function adapterSet<B extends Bank>(parts: AdapterParts<B>): LayerAdapters<B> {
  return new LayerAdapters(parts);
}

/** The adapter set of a method that puts adapters on linear layers; made by `adapterSet`. */
export class LayerAdapters<B extends Bank = Bank> implements AdapterSet {
  readonly method: string;
  readonly trainsBase = false;
  readonly lowRank: LowRankLayers | undefined;
  readonly scaling: ScalingEvents | undefined;
  readonly model: Module;
  readonly banks: readonly B[];
  readonly bases: readonly BaseStore[];
  /** The modules that are trained in full. */
  readonly modulesToSave: ModulesToSave;
  /** Names the adapted weights as they were before anything was trained (`baseFingerprint`). */
  readonly base: string | undefined;
  readonly changedBase: ChangedBase | undefined;
  private isDisposed = false;
  private readonly hooks: Partial<MethodHooks>;
  private readonly save: (folder: string, baseModel: string) => void;

  constructor(parts: AdapterParts<B>) {
    const { method, model, banks, bases = [], lowRank, scaling, hooks = {} } = parts;
    this.method = method;
    this.model = model;
    this.banks = banks;
    this.bases = bases;
    this.lowRank = lowRank;
    this.scaling = scaling;
    this.hooks = hooks;
    this.save = (folder, baseModel) => {
      if (!parts.saveAdapter) throw adapterExportError(`no other tool reads the adapters of ${method}`);
      parts.saveAdapter(folder, this, baseModel);
    };
    this.changedBase = this.makeChangedBase(parts);
    for (const [, parameter] of model.namedParameters()) parameter.setRequiresGrad(false);
    [this.base, this.modulesToSave] = disposeOnError([...bases, ...banks], () => {
      const base = baseFingerprint(banks.flatMap(({ layers }) => layers));
      for (const bank of banks) naming(method, "linearAdapter()", () => bank.install());
      return [base, new ModulesToSave(model, parts.modulesToSave ?? [])];
    });
  }

  lrFactor(step: number): number {
    return this.hooks.lrFactor?.(step) ?? defaultStepHooks.lrFactor(step);
  }

  beforeForward(step: StepContext): void {
    this.hooks.beforeForward?.(step);
  }

  beforeClip(step: StepContext): EventReport | undefined {
    return this.hooks.beforeClip?.(step);
  }

  measuresEvent(step: StepContext): boolean {
    return this.hooks.measuresEvent?.(step) ?? defaultStepHooks.measuresEvent(step);
  }

  watched(): readonly Tensor[] {
    return this.hooks.watched?.() ?? [];
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
    return { trainable: own + count(this.modulesToSave.trainables), all: countWeights(this.model) + own };
  }

  adaptedPaths(): string[] {
    return this.banks.flatMap(({ layers }) => layers.map(({ path }) => path));
  }

  fullyTrainedPaths(): readonly string[] {
    return this.modulesToSave.paths;
  }

  mergedWeight(path: string, dtype: "float32" | "float64" = "float32"): Tensor {
    this.requireFactors();
    const { bank, index } = this.find(path);
    return noGrad(() =>
      scope(() => {
        const base = this.baseWeight(bank, index);
        const exact = dtype === "float64" ? dtype : adapterDType(base);
        return naming(this.method, "effectiveWeight()", () =>
          toDType(bank.effectiveWeight(index, toDType(base, exact)), dtype, { copy: true }),
        );
      }),
    );
  }

  /** The weight that the adapter of a layer is put on; a tensor of the model or a new one. */
  private baseWeight(bank: B, index: number): Tensor {
    const store = this.bases[this.banks.indexOf(bank)];
    return store?.weight(index) ?? elementAt(bank.layers, index).linear.denseWeight();
  }

  private makeChangedBase({ saveOnChangedBase: save }: AdapterParts<B>): ChangedBase | undefined {
    if (save === undefined || this.bases.every(({ frozenDelta }) => frozenDelta)) return undefined;
    const weight = (path: string) => {
      const { bank, index } = this.find(path);
      return this.baseWeight(bank, index);
    };
    const layers = this.adaptedPaths().map((path) => ({
      path,
      linear: {
        get weight() {
          return weight(path);
        },
      },
    }));
    const saveAdapter = (folder: string, baseModel: string) =>
      save(folder, this, baseModel, baseFingerprint(layers));
    return { weight, saveAdapter };
  }

  /** The bank of a layer, and its place there. @throws ScaloraError `model` */
  find(path: string): { bank: B; index: number } {
    return findLayer(this.banks, path);
  }

  state(): Map<string, Tensor> {
    const state = new Map(this.trainables().map(({ name, value }) => [name, value]));
    for (const bank of this.banks)
      for (const [part, tensor] of bank.buffers()) state.set(`${bank.name}.${part}`, tensor);
    this.bases.forEach((store, index) => {
      for (const [part, tensor] of store.state())
        state.set(`${elementAt(this.banks, index).name}.${part}`, tensor);
    });
    return state;
  }

  stateRows(): Map<string, RowSlice> {
    const rows = new Map<string, RowSlice>();
    this.bases.forEach((store, index) => {
      if (store.ownRows === undefined) return;
      for (const part of store.state().keys())
        rows.set(`${elementAt(this.banks, index).name}.${part}`, store.ownRows);
    });
    return rows;
  }

  loadState(read: (name: string) => Tensor): void {
    for (const store of this.bases) store.beforeLoading?.();
    const rows = this.stateRows();
    noGrad(() => {
      for (const [name, tensor] of this.state())
        scope(() => {
          const { first, count } = rows.get(name) ?? {};
          if (first === undefined || count === undefined) copy_(tensor, read(name));
          else copy_(narrow(tensor, 1, 0, count), narrow(read(name), 1, first, count));
        });
    });
    for (const store of this.bases) store.restored?.();
    this.hooks.stateLoaded?.();
  }

  saveAdapter(folder: string, baseModel: string): void {
    this.requireFactors();
    this.save(outputPath(folder), baseModel);
  }

  private requireFactors(): void {
    if (!this.isDisposed) return;
    throw new ScaloraError("usage", "These adapters were disposed of: their factors are freed", {
      where: this.method,
      fix: "use them before dispose(), which `using` calls at the end of its block, or attach them again",
    });
  }

  counters(): Json {
    return this.hooks.counters?.() ?? {};
  }

  loadCounters(counters: Json): void {
    this.hooks.loadCounters?.(counters);
  }

  passKey(): string | number | boolean | undefined {
    return this.hooks.passKey?.();
  }

  /** Takes the adapters off and frees them; the base weights stay as they are, saved modules become what they were. */
  dispose(): void {
    this.isDisposed = true;
    this.hooks.dispose?.();
    this.modulesToSave.dispose();
    for (const bank of this.banks) bank.dispose();
    for (const store of this.bases) store.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The bank of a layer, and its place there. @throws ScaloraError `model` for a layer without an adapter */
export function findLayer<B extends Bank>(banks: readonly B[], path: string): { bank: B; index: number } {
  for (const bank of banks) {
    const index = bank.layers.findIndex((layer) => layer.path === path);
    if (index >= 0) return { bank, index };
  }
  const paths = banks.flatMap(({ layers }) => layers.map((layer) => layer.path));
  throw new ScaloraError("model", "The layer has no adapter", {
    where: path,
    expected: `one of ${paths.length} adapted layers, such as ${paths[0]}`,
  });
}

/** Why a method's adapter cannot be stored alone, and what can. */
export function adapterExportError(why: string): ScaloraError {
  return new ScaloraError("usage", "This run cannot be exported as the adapter it trained", {
    found: why,
    fix: "export it as merged (--as merged), or as svd (--as svd: the whole change as a LoRA adapter); of a model in memory: mergeAndSave, or exportSvd",
  });
}
