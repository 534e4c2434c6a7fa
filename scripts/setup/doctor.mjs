// What a machine has of what scalora needs. Looks, and changes nothing.
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { findCompiler, tryLoading } from "./compile.mjs";
import { pinnedWheels } from "./download.mjs";
import { SetupError } from "./errors.mjs";
import { compareVersions, findLibtorch, pythonWithPip, whyNoDownload } from "./find.mjs";
import { cacheFolder, hasNvidiaDriver, readSetup, setupCommand } from "./locate.mjs";
import { formatBytes } from "./progress.mjs";

/** @typedef {import("./doctor.mjs").Finding} Finding */

/**
 * One finding for each thing that is needed, in the order in which set-up needs them.
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Finding[]>}
 */
export async function inspect(env = process.env) {
  const libtorch = await inspectLibtorch(env);
  const present = libtorch.at(-1)?.status === "ok";
  const python = present ? [] : [await inspectPython(env), inspectDisk(env)];
  return [
    inspectNode(),
    inspectSystem(),
    await inspectCompiler(env),
    ...libtorch,
    ...python,
    await inspectAddon(env),
  ];
}

/** @returns {Finding} */
function inspectNode() {
  const fine = compareVersions(process.versions.node, "22.18") >= 0;
  const found = `${process.version} (${process.execPath})`;
  return fine
    ? ok("Node", found)
    : missing("Node", `${found}; 22.18 or newer is needed`, "install a newer Node");
}

/** @returns {Finding} */
function inspectSystem() {
  const gpu = hasNvidiaDriver() ? "with an NVIDIA driver" : "no NVIDIA driver: computes on the CPU";
  return ok("system", `${process.platform} ${process.arch}, ${gpu}`);
}

/** @param {NodeJS.ProcessEnv} env @returns {Promise<Finding>} */
async function inspectCompiler(env) {
  return attempt("C++ compiler", async () => {
    const { version, path } = await findCompiler(env);
    return `${version} (${path})`;
  });
}

/** Every place that was tried; only the last one counts. @param {NodeJS.ProcessEnv} env @returns {Promise<Finding[]>} */
async function inspectLibtorch(env) {
  let attempts;
  try {
    attempts = await findLibtorch(env);
  } catch (error) {
    return [fromError("libtorch", error)];
  }
  return attempts.map(({ place, found, libtorch }, index) => {
    const name = `libtorch: ${place}`;
    if (libtorch !== undefined)
      return ok(name, place.includes(libtorch.libtorch) ? found : `${found} (${libtorch.libtorch})`);
    if (index < attempts.length - 1) return { name, status: "info", found };
    const impossible = whyNoDownload();
    return impossible === undefined ? missing(name, found, setupCommand) : fromError(name, impossible);
  });
}

/** Needed only for the download. @param {NodeJS.ProcessEnv} env @returns {Promise<Finding>} */
async function inspectPython(env) {
  return attempt("Python with pip", () => pythonWithPip(env));
}

/** @param {NodeJS.ProcessEnv} env @returns {Finding} */
function inspectDisk(env) {
  const bytes = pinnedWheels(hasNvidiaDriver() ? "cuda" : "cpu").reduce(
    (total, wheel) => total + wheel.size,
    0,
  );
  let folder = cacheFolder(env);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const found = `${formatBytes(bavail * bsize)} free in ${folder}`;
  const needed = 3.4 * bytes;
  if (bavail * bsize >= needed) return ok("disk", found);
  const cure = "free some space, or set XDG_CACHE_HOME to a folder on another disk";
  return missing("disk", `${found}; ${formatBytes(needed)} are needed while libtorch is installed`, cure);
}

/** @param {NodeJS.ProcessEnv} env @returns {Promise<Finding>} */
async function inspectAddon(env) {
  const setup = readSetup({ env });
  if (setup === undefined)
    return missing("addon", "not set up for this version and environment", setupCommand);
  return attempt("addon", async () => {
    await tryLoading(setup.addon, env);
    return `loads (${setup.addon}; libtorch ${setup.version} from ${setup.from}; ${setup.compiler})`;
  });
}

/** @param {string} name @param {() => Promise<string>} look @returns {Promise<Finding>} */
async function attempt(name, look) {
  try {
    return ok(name, await look());
  } catch (error) {
    return fromError(name, error);
  }
}

/** @param {string} name @param {unknown} error @returns {Finding} */
function fromError(name, error) {
  if (!(error instanceof SetupError)) throw error;
  const found = error.found === undefined ? error.what : `${error.what}: ${error.found}`;
  return missing(name, found, error.fix ?? setupCommand);
}

/** @param {string} name @param {string} found @returns {Finding} */
function ok(name, found) {
  return { name, status: "ok", found };
}

/** @param {string} name @param {string} found @param {string} cure @returns {Finding} */
function missing(name, found, cure) {
  return { name, status: "missing", found, cure };
}
