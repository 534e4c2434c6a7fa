import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { type AdapterSet, attach } from "../adapters/index.js";
import { loadRecipe, type Recipe } from "../config/index.js";
import type { Tokenizer } from "../hub/tokenizer/index.js";
import type { CausalLM } from "../nn/index.js";
import { checkIdentity, listCheckpoints, readManifest } from "../train/checkpoints/load.js";
import { hashModel } from "../train/model-hash.js";
import { checkpointFolder, loadCheckpointWeights } from "../train/resume.js";
import { ScaloraError } from "../util/errors.js";
import { nearest } from "../util/suggest.js";
import type { ModelTarget } from "./api.js";
import { attachMethod, type Base, loadBase } from "./build.js";

/** A model ready to use, with what was put on it. */
export interface OpenModel {
  readonly model: CausalLM;
  readonly tokenizer: Tokenizer;
  /** The folder of the base model. */
  readonly baseFolder: string;
  readonly adapters: AdapterSet | undefined;
  /** Of a run: its recipe. */
  readonly recipe: Recipe | undefined;
  dispose(): void;
}

/**
 * Opens what a verb was pointed at: a model folder, one with a PEFT adapter folder, or a run's folder with one of its
 * checkpoints.
 * @param options.needsData whether the data files of a run must still be there
 * @throws ScaloraError `usage`, `model`, `format` or `config` for what cannot be opened
 */
export async function openModel(
  target: ModelTarget,
  { needsData = false }: { needsData?: boolean } = {},
): Promise<OpenModel> {
  if (existsSync(join(target.path, "config.yaml"))) return openRun(target, needsData);
  if (target.checkpoint !== undefined) {
    throw new ScaloraError("usage", "Only a run has checkpoints", {
      where: target.path,
      expected: "a run's folder (with config.yaml)",
      found: existsSync(target.path) ? "a folder without it" : "no folder",
    });
  }
  refuseAdapterAlone(target.path);
  const { path, adapter, dtype, device } = target;
  const base = await loadBase({ path, dtype, device });
  return guarded(base, () => {
    const from = { method: "lora", rank: 1, targetModules: "all-linear", from: adapter } as const;
    return opened(base, resolve(path), adapter === undefined ? undefined : attach(base.model, from));
  });
}

async function openRun(target: ModelTarget, needsData: boolean): Promise<OpenModel> {
  if (target.adapter !== undefined) {
    throw new ScaloraError("usage", "A run has its own adapter", {
      where: target.path,
      found: `another one, ${target.adapter}`,
      fix: "leave --adapter out, or give the base model's folder in place of the run's",
    });
  }
  const recipe = loadRecipe(join(target.path, "config.yaml"), { needsData });
  const checkpoint = findCheckpoint(target.path, target.checkpoint);
  const { path, dtype, device } = recipe.model;
  const base = await loadBase({
    path,
    dtype: target.dtype === "auto" ? dtype : target.dtype,
    device: target.device === "auto" ? device : target.device,
  });
  return guarded(base, () => {
    const manifest = readManifest(checkpoint);
    const identity = { base: hashModel(base.model), adapter: manifest.adapter };
    checkIdentity(manifest, identity, checkpoint);
    const adapters = attachMethod(base.model, recipe.adapter, recipe.train.seed);
    loadCheckpointWeights(checkpoint, adapters);
    return opened(base, path, adapters, recipe);
  });
}

/** Frees the base when what follows fails. */
function guarded(base: Base, build: () => OpenModel): OpenModel {
  try {
    return build();
  } catch (error) {
    base.model.dispose();
    throw error;
  }
}

function opened(
  { model, tokenizer }: Base,
  baseFolder: string,
  adapters: AdapterSet | undefined,
  recipe?: Recipe,
): OpenModel {
  const dispose = () => {
    adapters?.dispose();
    model.dispose();
  };
  return { model, tokenizer, baseFolder, adapters, recipe, dispose };
}

/**
 * The folder of one of a run's checkpoints.
 * @param name `best`, `last` or a folder's name; the best one by default, the last where none was evaluated
 * @throws ScaloraError `usage` when there is none of this name
 */
function findCheckpoint(run: string, name: string | undefined): string {
  const folder = checkpointFolder({ file: (...parts) => join(run, ...parts) });
  const entries = listCheckpoints(folder);
  const named = entries.find(({ path }) => basename(path) === name);
  if (named) return named.path;
  const last = entries.at(-1);
  if (!last) {
    throw new ScaloraError("usage", "This run has no checkpoint yet", {
      where: folder,
      fix: "let it train until the first one, or resume it",
    });
  }
  if (name === "last") return last.path;
  const best = bestOf(entries.map(({ path }) => path));
  if (name === undefined) return best ?? last.path;
  if (name === "best" && best !== undefined) return best;
  throw noCheckpoint(
    folder,
    name,
    entries.map(({ path }) => basename(path)),
  );
}

/** The checkpoint with the lowest held-out loss; the earliest of equals. */
function bestOf(paths: readonly string[]): string | undefined {
  let best: { path: string; loss: number } | undefined;
  for (const path of paths) {
    const { evalLoss } = readManifest(path);
    if (evalLoss !== null && (best === undefined || evalLoss < best.loss)) best = { path, loss: evalLoss };
  }
  return best?.path;
}

function noCheckpoint(folder: string, name: string, known: readonly string[]): ScaloraError {
  if (name === "best") {
    return new ScaloraError("usage", "No checkpoint of this run was evaluated, so none is the best", {
      where: folder,
      fix: `use last, or one of ${known.join(", ")}`,
    });
  }
  const near = nearest(name, known);
  return new ScaloraError("usage", "The run has no such checkpoint", {
    where: folder,
    expected: `best, last, or one of ${known.join(", ")}`,
    found: name,
    ...(near === undefined ? {} : { fix: `did you mean ${near}?` }),
  });
}

function refuseAdapterAlone(path: string): void {
  if (!existsSync(join(path, "adapter_config.json")) || existsSync(join(path, "config.json"))) return;
  throw new ScaloraError("usage", "This is an adapter's folder, not a model's", {
    where: path,
    fix: `give the model's folder, and --adapter ${path}`,
  });
}
