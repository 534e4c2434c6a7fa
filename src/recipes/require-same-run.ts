import type { Recipe } from "../config/index.ts";
import { requireSame, settingsOf } from "../distributed/require-same.ts";
import { cpuCapability, type ProcessGroup, threads, torchVersion } from "../torch/index.ts";
import { packageVersion } from "./package-version.ts";
import type { PreparedRun } from "./prepare-run.ts";

/** Compares recipes and programs, before anything is loaded. @throws as `requireSame` */
export async function requireSameRecipe(group: ProcessGroup, recipe: Recipe): Promise<void> {
  // Only rank 0 has a folder; the name of another's may differ by the number that avoids one that is there.
  const {
    run: { name: _name, folder: _folder, ...run },
    ...sections
  } = recipe;
  await requireSame(group, {
    "version of scalora": packageVersion(),
    libtorch: torchVersion(),
    ...settingsOf({ ...sections, run }),
  });
}

/** Compares what ranks have loaded, and what changes rounding. @throws as `requireSame` */
export async function requireSameLoaded(
  group: ProcessGroup,
  { base, loadedHash, dataset, steps }: PreparedRun,
): Promise<void> {
  await requireSame(group, {
    "weights of the model": loadedHash,
    "training data": dataset.hashes.train,
    "held-out data": dataset.hashes.eval,
    steps: `${steps}`,
    threads: `${threads()}`,
    "GEMM backend": base.gemmBackend,
    "vector instructions": cpuCapability(),
  });
}
