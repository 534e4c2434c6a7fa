import type { Recipe } from "../config/index.ts";
import { requireSame, settingsOf } from "../distributed/require-same.ts";
import { deviceOf } from "../nn/index.ts";
import { cpuCapability, type ProcessGroup, threads, torchVersion } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { hashFile } from "../util/files.ts";
import { packageVersion } from "./package-version.ts";
import type { PreparedRun } from "./prepare-run.ts";

/** Compares recipes and programs, before anything is loaded. @throws as `requireSame` */
export async function requireSameRecipe(group: ProcessGroup, recipe: Recipe): Promise<void> {
  await requireSame(group, {
    "version of scalora": packageVersion(),
    libtorch: torchVersion(),
    ...settingsOf(withoutPlaces(recipe)),
  });
}

/**
 * A recipe without the paths of files, which may be at other places on each machine: what they hold is compared once it is loaded,
 * that of an adapter before the first step. Only rank 0 has a run's folder; the name of another's may differ by the number that
 * avoids one that is there.
 */
function withoutPlaces({ plugins = [], model, adapter, data, run, ...sections }: Recipe): object {
  const { path: _path, ...modelSettings } = model;
  const { name: _name, folder: _folder, ...runSettings } = run;
  const pathless = <T extends { readonly path: string }>({ path: _, ...settings }: T) => settings;
  return {
    ...sections,
    plugins: plugins.map(hashFile),
    model: modelSettings,
    adapter: { ...adapter, ...("from" in adapter && { from: "a folder" }) },
    data: {
      ...data,
      train: data.train.map(pathless),
      eval: Array.isArray(data.eval) ? data.eval.map(pathless) : data.eval,
    },
    run: runSettings,
  };
}

/** Compares what ranks have loaded, and what changes rounding. @throws as `requireSame` */
export async function requireSameLoaded(
  group: ProcessGroup,
  { model, data }: Recipe,
  { base, loadedHash, dataset, steps }: PreparedRun,
): Promise<void> {
  const pathsOf = (files: Recipe["data"]["train"]) => files.map(({ path }) => path).join(", ");
  const heldOut = Array.isArray(data.eval) ? data.eval : data.train;
  await requireSame(group, {
    "weights of the model": { is: loadedHash, of: model.path },
    "training data": { is: dataset.hashes.train, of: pathsOf(data.train) },
    "held-out data": { is: dataset.hashes.eval, of: pathsOf(heldOut) },
    steps: `${steps}`,
    threads: `${threads()}`,
    "kind of device": elementAt(deviceOf(base.model).split(":"), 0),
    "GEMM backend": base.gemmBackend,
    "vector instructions": cpuCapability(),
  });
}
