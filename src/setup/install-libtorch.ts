// Puts the pinned libtorch into the cache. Without an NVIDIA driver only the needed files of torch's wheel are downloaded where
// the package index sends parts of files (144 MB instead of 544), else whole wheels. What is complete is kept, so that an
// interrupted download continues; it is then installed offline into a temporary folder, which is renamed.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { downloadFolder, whyNoDownload } from "./find-libtorch.ts";
import { hasNvidiaDriver, setupCommand, torchVersion } from "./manifest.ts";
import {
  fetchParts,
  missingBytes,
  openPartialWheel,
  type PartialWheel,
  unpackParts,
} from "./partial-wheel.ts";
import { cacheFolder, packageRoot } from "./paths.ts";
import {
  fetchWheels,
  missingWheels,
  openPip,
  type Pip,
  type Purpose,
  runPip,
  sum,
  type Wheel,
} from "./pip.ts";
import { formatDecimalBytes, type Progress } from "./progress.ts";

/** Size of an unpacked wheel, relative to the wheel. */
const unpackedRatio = 2.4;

const purpose: Purpose = {
  what: "libtorch",
  command: setupCommand,
  otherwise: `set SCALORA_LIBTORCH to a folder with libtorch ${torchVersion}`,
};

/** The wheels of a pinned requirements file. It is read from src, in the npm package too: tsc does not copy it to dist. */
export function pinnedWheels(kind: "cpu" | "cuda"): Wheel[] {
  const text = readFileSync(join(packageRoot, "src", "setup", `libtorch-${kind}.txt`), "utf8");
  return text.split("\n").flatMap((line) => {
    const match =
      /^((\S+)==\S+ --hash=sha256:([0-9a-f]{64})) # (\S+\.whl) (\d+)(?: record:([0-9a-f]{64}))?$/.exec(line);
    const [, requirement, name, hash, file, size, record] = match ?? [];
    if (requirement === undefined || name === undefined || hash === undefined || file === undefined)
      return [];
    return [{ requirement, name, hash, file, size: Number(size), ...(record !== undefined && { record }) }];
  });
}

/** Downloads what is missing and installs it. The caller holds the lock. */
export async function downloadLibtorch(progress: Progress, env: NodeJS.ProcessEnv = process.env) {
  const impossible = whyNoDownload();
  if (impossible !== undefined) throw impossible;
  const wheels = pinnedWheels(hasNvidiaDriver() ? "cuda" : "cpu");
  const folder = join(cacheFolder(env), "wheels");
  const scratch = join(cacheFolder(env), "tmp");
  const pip = await openPip(scratch, purpose, env);
  const absent = await missingWheels(wheels, folder);
  const partial = await openNeededPart(absent, pip);
  const whole = wheels.filter((wheel) => wheel !== partial?.wheel);
  const missing =
    sum(absent.filter((wheel) => wheel !== partial?.wheel)) + (partial ? missingBytes(partial, folder) : 0);
  if (missing > 0) progress.log(`downloading libtorch ${torchVersion}, ${formatDecimalBytes(missing)}`);
  const onProgress = (done: number, total: number, name: string) => {
    const percent = Math.floor((100 * done) / total);
    progress.update(
      `downloading ${name}: ${formatDecimalBytes(done)} of ${formatDecimalBytes(total)} (${percent} %)`,
    );
  };
  try {
    await fetchWheels(whole, folder, pip, { room: sum(whole) * unpackedRatio, onProgress });
    if (partial) {
      await fetchParts(partial, folder, pip, (done, total) => onProgress(done, total, partial.wheel.name));
    }
  } finally {
    progress.clear();
  }
  progress.log(`installing libtorch ${torchVersion}`);
  await install({ whole, partial }, folder, pip, downloadFolder(env));
  rmSync(folder, { recursive: true, force: true });
  rmSync(scratch, { recursive: true, force: true });
}

/** The wheel of which a part is enough; undefined where all of it is there, or must be downloaded. */
async function openNeededPart(absent: readonly Wheel[], pip: Pip) {
  for (const wheel of absent) {
    if (wheel.record !== undefined) return openPartialWheel(wheel, wheel.record, pip, isNeeded);
  }
  return undefined;
}

/** What is downloaded: wheels, and a part of one. */
interface Downloads {
  whole: Wheel[];
  partial: PartialWheel | undefined;
}

async function install({ whole, partial }: Downloads, folder: string, pip: Pip, destination: string) {
  const into = join(pip.scratch, "install");
  const options = [
    "--no-index",
    "--no-compile",
    "--no-warn-conflicts",
    "--find-links",
    folder,
    "--target",
    into,
  ];
  await runPip("install", whole, options, pip, "libtorch could not be installed");
  if (partial) unpackParts(partial, folder, into, pip);
  if (!hasNvidiaDriver()) keepCpuLibraries(into);
  mkdirSync(dirname(destination), { recursive: true });
  rmSync(destination, { recursive: true, force: true });
  renameSync(into, destination);
}

const isCpuLibrary = (name: string) => /^lib(torch_cpu|c10|gomp)\b/.test(name);

/** The files of torch's wheel that the addon is compiled with and runs with, and the licences. */
const isNeeded = (path: string) =>
  /^(torch\/(include\/|version\.py$)|torch-[^/]+\.dist-info\/)/.test(path) ||
  (dirname(path) === "torch/lib" && isCpuLibrary(basename(path)));

/** Removes what only CUDA or Python uses (1.2 GB becomes 0.5 GB), but keeps the licences. */
function keepCpuLibraries(into: string) {
  const remove = (folder: string, keep: (name: string) => boolean) => {
    for (const name of readdirSync(join(into, folder))) {
      if (!keep(name)) rmSync(join(into, folder, name), { recursive: true });
    }
  };
  remove("", (name) => name === "torch" || name === "nvidia" || name.endsWith(".dist-info"));
  remove("torch", (name) => ["include", "lib", "version.py"].includes(name));
  remove("torch/lib", isCpuLibrary);
  remove("nvidia/cu13", (name) => name === "lib");
  remove("nvidia/cu13/lib", (name) => /^lib(cudart|cupti)\.so/.test(name));
}
