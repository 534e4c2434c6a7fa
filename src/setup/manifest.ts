// What the addon is loaded from: the prebuilt package of this platform, or the saved result of set-up. Must be fast and without
// side effects: every start reads it.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeFiles } from "./native-files.ts";
import { cacheFolder, packageRoot } from "./paths.ts";
import { addonFile, findPlatformPackage, type PlatformPackage } from "./platform-package.ts";

/** From what the addon is loaded. */
export interface Setup {
  /** Folder with libtorch's `lib` and, unless it is a package, `include`. */
  libtorch: string;
  /** Version of that libtorch, for example "2.11.0+cu130". */
  version: string;
  /** Where it was found. */
  from: "SCALORA_LIBTORCH" | "python" | "download" | "package";
  /** The compiled addon. */
  addon: string;
  /** First line of the compiler's `--version`. */
  compiler: string;
  /** ISO 8601; absent for a package. */
  setUpAt?: string;
  /** Set where it is a package. */
  package?: PlatformPackage;
}

/** Overrides the package folder or the environment variables. */
interface Place {
  root?: string;
  env?: NodeJS.ProcessEnv;
}

/** The libtorch that every result of this version of scalora is measured with. */
export const torchVersion = "2.11.0";

/** The one command that sets everything up. */
export const setupCommand = "npx scalora setup";

/** Compiler flags of the addon; a change of them rebuilds it. */
export const compileFlags: readonly string[] = ["-std=c++20", "-O2", "-fPIC", "-D_GLIBCXX_USE_CXX11_ABI=1"];

/**
 * Linker flags of the addon; a change of them links it anew. When a worker of Node's that has loaded the addon ends, Node unloads
 * it, but the addon's own threads may still run: on Linux it stays (`nodelete`).
 */
export const linkFlags: readonly string[] =
  process.platform === "darwin"
    ? ["-bundle", "-undefined", "dynamic_lookup"]
    : ["-shared", "-Wl,-z,nodelete"];

/** Whether an NVIDIA driver runs here; such a machine needs the CUDA libraries too. */
export function hasNvidiaDriver(): boolean {
  return existsSync("/proc/driver/nvidia/version") || existsSync("/usr/lib/wsl/lib/libcuda.so.1");
}

/** A hash of everything that a set-up depends on: sources, flags, kind of machine and environment. */
function setupKey(root: string, env: NodeJS.ProcessEnv) {
  const hash = createHash("sha256");
  const machine = [process.platform, process.arch, hasNvidiaDriver() ? "cuda" : "cpu"];
  hash.update(
    JSON.stringify([torchVersion, compileFlags, linkFlags, machine, env["SCALORA_LIBTORCH"] || ""]),
  );
  for (const file of nativeFiles(root)) hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 20);
}

/** Path of set-up's result for these sources and this environment; the file need not exist. */
export function manifestPath({ root = packageRoot, env = process.env }: Place = {}): string {
  return join(cacheFolder(env), "state", `${setupKey(root, env)}.json`);
}

/**
 * What the addon is loaded from, in this order: a set-up with the libtorch that `SCALORA_LIBTORCH` names; one that was asked for
 * on a machine with an NVIDIA driver; the prebuilt package of this platform; a set-up. Undefined where none is there.
 * @throws SetupError when the package is one for another version, or damaged
 */
export function readSetup(place: Place = {}): Setup | undefined {
  const { root = packageRoot, env = process.env } = place;
  const compiled = env["SCALORA_LIBTORCH"] || hasNvidiaDriver() ? readCompiled(place) : undefined;
  if (compiled !== undefined || env["SCALORA_LIBTORCH"]) return compiled;
  const found = findPlatformPackage(root);
  if (found === undefined) return readCompiled(place);
  const { folder, manifest } = found;
  const { libtorch: version, compiler } = manifest;
  return {
    libtorch: folder,
    version,
    from: "package",
    addon: join(folder, addonFile),
    compiler,
    package: found,
  };
}

/** The result of set-up; undefined if it has not run or its files are gone. */
export function readCompiled(place: Place = {}): Setup | undefined {
  let setup: Setup;
  try {
    setup = JSON.parse(readFileSync(manifestPath(place), "utf8"));
  } catch {
    return undefined;
  }
  return existsSync(setup.addon) && existsSync(join(setup.libtorch, "lib")) ? setup : undefined;
}
