import { join, resolve } from "node:path";
import { type AdapterSet, attachFolder, attachParsed } from "../adapters/index.ts";
import { loadPluginsOfRun, loadRecipe, type Recipe } from "../config/index.ts";
import { modelPath } from "../download/index.ts";
import { type CausalLM, isClassifier, type TrainableModel } from "../nn/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type ChosenCheckpoint, chooseCheckpoint } from "../train/checkpoints/choose-checkpoint.ts";
import { checkIdentity, readManifest } from "../train/checkpoints/read-checkpoint.ts";
import { hashModel } from "../train/model-hash.ts";
import { loadCheckpointWeights } from "../train/resume.ts";
import { disposeOnError } from "../util/dispose-on-error.ts";
import { ScaloraError } from "../util/errors.ts";
import { definedFields } from "../util/json.ts";
import {
  type LoadedModel,
  loadBaseModel,
  loadModelAndTokenizer,
  type ModelToLoad,
} from "./load-base-model.ts";
import { resolveModelConfig } from "./model-config.ts";
import type { ModelTarget } from "./model-target.ts";
import { checkTarget, isRun } from "./model-target.ts";

/** A model ready to use, with its adapters. */
export interface OpenModel extends Disposable {
  readonly model: TrainableModel;
  readonly tokenizer: Tokenizer;
  /** The folder of the base model. */
  readonly baseFolder: string;
  readonly adapters: AdapterSet | undefined;
  /** The run's recipe; undefined for a model folder. */
  readonly recipe: Recipe | undefined;
  /** The run's checkpoint; undefined for a model folder. */
  readonly checkpoint: ChosenCheckpoint | undefined;
  /** Loads the base model again, without adapters and as it was before training. */
  loadOriginal(): Promise<TrainableModel>;
  dispose(): void;
}

/**
 * Opens the target of a command: a model folder or the name of a downloaded model, optionally with a PEFT adapter folder, or
 * a run's folder with one of its checkpoints.
 * @param options.needsData whether the run's data files must exist
 * @param options.hugePages as `loadModel` takes it
 * @throws ScaloraError `usage`, `model`, `format` or `config` for a target that cannot be opened
 */
export async function openModel(
  request: ModelTarget,
  { needsData = false, hugePages = false }: { needsData?: boolean; hugePages?: boolean } = {},
): Promise<OpenModel> {
  const target = { ...request, path: modelPath(request.path) };
  checkTarget(target);
  if (isRun(target)) return openRunModel(target, { needsData, hugePages });
  const { path, adapter, dtype = "auto", device = "auto", quantization = "none" } = target;
  const load = { config: { path, dtype, device, quantization, hugePages }, seed: 0 };
  const base = await loadModelAndTokenizer(load.config, load.seed);
  return disposeOnError([base.model], () =>
    makeOpenModel(base, load, adapter === undefined ? undefined : attachFolder(base.model, adapter)),
  );
}

/** An opened model that generates text. */
export type OpenLanguageModel = OpenModel & { readonly model: CausalLM };

/** `openModel` for language models only. @throws ScaloraError as `openModel`, and `usage` for a classifier */
export async function openLanguageModel(target: ModelTarget): Promise<OpenLanguageModel> {
  const open = await openModel(target, { hugePages: true });
  return disposeOnError([open], () => requireLanguageModel(open, target));
}

/** @throws ScaloraError `usage` for a classifier */
export function requireLanguageModel(open: OpenModel, target: ModelTarget): OpenLanguageModel {
  const { model } = open;
  if (!isClassifier(model)) return { ...open, model };
  throw new ScaloraError("usage", "A classifier does not generate text", {
    where: target.path,
    fix: "evaluate it on rows with labels (`scalora eval`)",
  });
}

async function openRunModel(
  target: ModelTarget,
  { needsData, hugePages }: { needsData: boolean; hugePages: boolean },
): Promise<OpenModel> {
  if (target.adapter !== undefined) {
    throw new ScaloraError("usage", "A run has its own adapter", {
      where: target.path,
      found: `another one, ${target.adapter}`,
      fix: "omit adapter (--adapter), or give the base model's folder instead of the run's",
    });
  }
  if (target.quantization !== undefined) {
    throw new ScaloraError("usage", "A run has its own quantisation", {
      where: target.path,
      found: `another one, ${target.quantization}`,
      fix: "omit quantization (--quantization), or give the base model's folder instead of the run's",
    });
  }
  const config = join(target.path, "config.yaml");
  await loadPluginsOfRun(config);
  const recipe = loadRecipe(config, { needsData });
  const chosen = chooseCheckpoint(target.path, target.checkpoint);
  const { path: checkpoint } = chosen;
  const modelConfig = {
    ...resolveModelConfig(recipe),
    dtype: explicitValue(target.dtype) ?? recipe.model.dtype,
    device: explicitValue(target.device) ?? recipe.model.device,
    hugePages,
  };
  const load = { config: modelConfig, seed: recipe.train.seed };
  const base = await loadModelAndTokenizer(load.config, load.seed);
  return disposeOnError([base.model], () => {
    const manifest = readManifest(checkpoint);
    const identity = { base: hashModel(base.model), adapter: definedFields(recipe.adapter) };
    checkIdentity(manifest, identity, checkpoint);
    const adapters = attachParsed(base.model, recipe.adapter, recipe.train.seed);
    disposeOnError([adapters], () => loadCheckpointWeights(checkpoint, adapters));
    return makeOpenModel(base, load, adapters, { recipe, checkpoint: chosen });
  });
}

/** The target's own value; undefined for `auto`, which means the run's recipe decides. */
const explicitValue = <T extends string>(value: T | undefined) => (value === "auto" ? undefined : value);

function makeOpenModel(
  { model, tokenizer }: LoadedModel,
  { config, seed }: { config: ModelToLoad; seed: number },
  adapters: AdapterSet | undefined,
  { recipe, checkpoint }: Partial<Pick<OpenModel, "recipe" | "checkpoint">> = {},
): OpenModel {
  const dispose = () => {
    adapters?.dispose();
    model.dispose();
  };
  const original = () => loadBaseModel(config, seed);
  return {
    model,
    tokenizer,
    baseFolder: resolve(config.path),
    adapters,
    recipe,
    checkpoint,
    loadOriginal: original,
    dispose,
    [Symbol.dispose]: dispose,
  };
}
