// Fills the cache with the pinned libtorch: one wheel after another, each kept once it is whole; then one offline
// install into a temporary folder, which is renamed.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { downloadFolder, whyNoDownload } from "./find.mjs";
import { cacheFolder, hasNvidiaDriver, setupCommand, torchVersion } from "./locate.mjs";
import { fetchWheels, missingWheels, openPip, runPip, sum } from "./pip.mjs";
import { formatBytes } from "./progress.mjs";

/** @typedef {import("./pip.mjs").Wheel} Wheel */
/** @typedef {import("./pip.mjs").Pip} Pip */

/** Unpacked, a wheel takes this many times its own size. */
const unpackedRatio = 2.4;

/** @type {import("./pip.mjs").Purpose} */
const purpose = {
  what: "libtorch",
  command: setupCommand,
  otherwise: `set SCALORA_LIBTORCH to a folder with libtorch ${torchVersion}`,
};

/** The wheels of a pinned requirements file. @param {string} kind @returns {Wheel[]} */
export function pinnedWheels(kind) {
  const text = readFileSync(fileURLToPath(new URL(`libtorch-${kind}.txt`, import.meta.url)), "utf8");
  return text.split("\n").flatMap((line) => {
    const match = /^((\S+)==\S+ --hash=sha256:([0-9a-f]{64})) # (\S+\.whl) (\d+)$/.exec(line);
    if (match === null) return [];
    const [, requirement, name, hash, file, size] = match;
    return [{ requirement, name, hash, file, size: Number(size) }];
  });
}

/**
 * Downloads what is missing and installs it. The caller holds the lock.
 * @param {import("./progress.mjs").Progress} progress
 * @param {NodeJS.ProcessEnv} env
 */
export async function downloadLibtorch(progress, env = process.env) {
  const impossible = whyNoDownload();
  if (impossible !== undefined) throw impossible;
  const wheels = pinnedWheels(hasNvidiaDriver() ? "cuda" : "cpu");
  const folder = join(cacheFolder(env), "wheels");
  const scratch = join(cacheFolder(env), "tmp");
  const pip = await openPip(scratch, purpose, env);
  const missing = sum(await missingWheels(wheels, folder));
  if (missing > 0) progress.log(`downloading libtorch ${torchVersion}, ${formatBytes(missing)}`);
  const onProgress = (
    /** @type {number} */ done,
    /** @type {number} */ total,
    /** @type {string} */ name,
  ) => {
    const percent = Math.floor((100 * done) / total);
    progress.update(`downloading ${name}: ${formatBytes(done)} of ${formatBytes(total)} (${percent} %)`);
  };
  try {
    await fetchWheels(wheels, folder, pip, { room: sum(wheels) * unpackedRatio, onProgress });
  } finally {
    progress.clear();
  }
  progress.log(`installing libtorch ${torchVersion}`);
  await install(wheels, folder, pip, downloadFolder(env));
  rmSync(folder, { recursive: true, force: true });
  rmSync(scratch, { recursive: true, force: true });
}

/** @param {Wheel[]} wheels @param {string} folder @param {Pip} pip @param {string} destination */
async function install(wheels, folder, pip, destination) {
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
  await runPip("install", wheels, options, pip, "libtorch could not be installed");
  if (!hasNvidiaDriver()) keepCpuLibraries(into);
  mkdirSync(dirname(destination), { recursive: true });
  rmSync(destination, { recursive: true, force: true });
  renameSync(into, destination);
}

/** Removes what only CUDA or Python uses: 1.2 GB become 0.5 GB. The licences stay. @param {string} into */
function keepCpuLibraries(into) {
  const remove = (/** @type {string} */ folder, /** @type {(name: string) => boolean} */ keep) => {
    for (const name of readdirSync(join(into, folder))) {
      if (!keep(name)) rmSync(join(into, folder, name), { recursive: true });
    }
  };
  remove("", (name) => name === "torch" || name === "nvidia" || name.endsWith(".dist-info"));
  remove("torch", (name) => ["include", "lib", "version.py"].includes(name));
  remove("torch/lib", (name) => /^lib(torch_cpu|c10|gomp)\b/.test(name));
  remove("nvidia/cu13", (name) => name === "lib");
  remove("nvidia/cu13/lib", (name) => /^lib(cudart|cupti)\.so/.test(name));
}
