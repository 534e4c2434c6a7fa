// The saved result of set-up. Must be fast and without side effects: every start reads it.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, packageRoot } from "./paths.ts";

/** The result of set-up, from which the addon is loaded. */
export interface Setup {
  /** Folder with libtorch's `lib` and `include`. */
  libtorch: string;
  /** Version of that libtorch, for example "2.11.0+cu130". */
  version: string;
  /** Where it was found. */
  from: "SCALORA_LIBTORCH" | "python" | "download";
  /** The compiled addon. */
  addon: string;
  /** First line of the compiler's `--version`. */
  compiler: string;
  /** ISO 8601. */
  setUpAt: string;
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

/** The `.cpp` and `.h` files under `native/`, sorted, relative to the package. */
export function nativeFiles(root = packageRoot): string[] {
  const files: string[] = [];
  const visit = (folder: string) => {
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

/** The result of set-up; undefined if it has not run or its files are gone. */
export function readSetup(place: Place = {}): Setup | undefined {
  let setup: Setup;
  try {
    setup = JSON.parse(readFileSync(manifestPath(place), "utf8"));
  } catch {
    return undefined;
  }
  return existsSync(setup.addon) && existsSync(join(setup.libtorch, "lib")) ? setup : undefined;
}
