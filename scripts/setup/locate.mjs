// Where set-up keeps things, and what it left there. No side effects and nothing slow: every start reads this.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The libtorch that every result of this version of scalora is measured with. */
export const torchVersion = "2.11.0";

/** The one command that sets everything up. */
export const setupCommand = "npx scalora setup";

/** Compiler flags of the addon; a change of them is a change of the addon. */
export const compileFlags = ["-std=c++20", "-O2", "-fPIC", "-D_GLIBCXX_USE_CXX11_ABI=1"];

/** The folder of the package: this repository, or `node_modules/scalora`. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** `$XDG_CACHE_HOME/scalora`, or `~/.cache/scalora`. @param {NodeJS.ProcessEnv} env */
export function cacheFolder(env = process.env) {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "scalora");
}

/** The `.cpp` and `.h` files under `native/`, sorted, relative to the package. */
export function nativeFiles(root = packageRoot) {
  /** @type {string[]} */
  const files = [];
  const visit = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(path);
      else if (/\.(cpp|h)$/.test(entry.name)) files.push(path);
    }
  };
  visit("native");
  return files.sort();
}

/** Whether an NVIDIA driver runs here; such a machine needs the CUDA libraries too. */
export function hasNvidiaDriver() {
  return existsSync("/proc/driver/nvidia/version") || existsSync("/usr/lib/wsl/lib/libcuda.so.1");
}

/** Names the set-up that fits these sources, this kind of machine and this environment. */
function setupKey(/** @type {string} */ root, /** @type {NodeJS.ProcessEnv} */ env) {
  const hash = createHash("sha256");
  const machine = [process.platform, process.arch, hasNvidiaDriver() ? "cuda" : "cpu"];
  hash.update(JSON.stringify([torchVersion, compileFlags, machine, env.SCALORA_LIBTORCH || ""]));
  for (const file of nativeFiles(root)) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 20);
}

/**
 * The file that holds the result of set-up for these sources and this environment, whether or not it exists.
 * @param {{ root?: string, env?: NodeJS.ProcessEnv }} options
 */
export function manifestPath({ root = packageRoot, env = process.env } = {}) {
  return join(cacheFolder(env), "state", `${setupKey(root, env)}.json`);
}

/**
 * What set-up found and built, or undefined when it has not run, or when what it left is no longer there.
 * @param {{ root?: string, env?: NodeJS.ProcessEnv }} options
 * @returns {import("./locate.mjs").Setup | undefined}
 */
export function readSetup(options = {}) {
  let setup;
  try {
    setup = JSON.parse(readFileSync(manifestPath(options), "utf8"));
  } catch {
    return undefined;
  }
  return existsSync(setup.addon) && existsSync(join(setup.libtorch, "lib")) ? setup : undefined;
}
