import { isClassifier, Linear, type Module } from "../../nn/index.ts";
import * as torch from "../../torch/index.ts";
import { Tensor } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Json } from "../../util/json.ts";
import { type AdapterSet, defaultStepHooks, type Trainable } from "../core/adapter-set.ts";
import { adapterExportError } from "../core/layer-adapters.ts";

/**
 * Full fine-tuning as an adapter set: every parameter of the model is trained, a tied one once. Weight decay spares
 * vectors (norms and biases), as the field does. Parameters are copied out of mapped files first.
 */
export class FullFineTuning implements AdapterSet {
  readonly method = "full";
  readonly trainsBase = true;
  readonly lowRank = undefined;
  readonly scaling = undefined;
  readonly lrFactor = defaultStepHooks.lrFactor;
  readonly beforeForward = defaultStepHooks.beforeForward;
  readonly beforeClip = defaultStepHooks.beforeClip;
  readonly measuresEvent = defaultStepHooks.measuresEvent;
  private readonly headPaths: readonly string[];
  private readonly parameters: readonly Trainable[];
  private readonly linears: ReadonlyMap<string, Linear>;

  constructor(model: Module) {
    ownParameters(model);
    this.headPaths = isClassifier(model) ? model.info.headModules : [];
    this.parameters = [...model.namedParameters()].map(([name, value]) => {
      const grad = torch.zerosLike(value).keep();
      value.setRequiresGrad(true).setGrad(grad);
      return { name, value, grad, decay: value.ndim > 1 };
    });
    this.linears = new Map(
      [...model.namedModules()].flatMap(([path, module]) =>
        module instanceof Linear ? [[path, module]] : [],
      ),
    );
  }

  trainables(): readonly Trainable[] {
    return this.parameters;
  }

  zeroGrad(): void {
    torch.foreachZero_(this.parameters.map(({ grad }) => grad));
  }

  parameterCounts(): { trainable: number; all: number } {
    const count = this.parameters.reduce((sum, { value }) => sum + value.numel, 0);
    return { trainable: count, all: count };
  }

  mergedWeight(path: string, dtype: "float32" | "float64" = "float32"): Tensor {
    const linear = this.linears.get(path);
    if (!linear) throw new ScaloraError("model", "There is no linear layer of this name", { where: path });
    return torch.noGrad(() => torch.toDType(linear.denseWeight(), dtype, { copy: true }));
  }

  adaptedPaths(): readonly string[] {
    return [...this.linears.keys()];
  }

  /** A classifier's head: no adapter of linear layers holds it. */
  fullyTrainedPaths(): readonly string[] {
    return this.headPaths;
  }

  saveAdapter(): void {
    throw adapterExportError("full fine-tuning has no adapter: it changes the weights themselves");
  }

  state(): Map<string, Tensor> {
    return new Map(this.parameters.map(({ name, value }) => [name, value]));
  }

  loadState(read: (name: string) => Tensor): void {
    torch.noGrad(() => {
      for (const { name, value } of this.parameters) torch.copy_(value, read(name));
    });
  }

  passKey(): number {
    return 0;
  }

  counters(): Json {
    return null;
  }

  loadCounters(): void {
    // There are none.
  }

  dispose(): void {
    for (const { value, grad } of this.parameters) {
      value.setGrad(undefined).setRequiresGrad(false);
      grad.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Gives every module its own copy of its parameters, shared ones staying shared: mapped files are never written. */
function ownParameters(model: Module): void {
  const copies = new Map<Tensor, Tensor>();
  for (const [, module] of model.namedModules())
    for (const [name, value] of Object.entries(module)) {
      if (!(value instanceof Tensor)) continue;
      const copy = copies.get(value) ?? torch.noGrad(() => torch.clone(value)).keep();
      copies.set(value, copy);
      value.dispose();
      Reflect.set(module, name, copy);
    }
}
