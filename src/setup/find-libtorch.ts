// Searches the places where libtorch can be, in order, without importing torch (slow).
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SetupError } from "./errors.ts";
import { installCommand } from "./install-command.ts";
import { hasNvidiaDriver, type Setup, torchVersion } from "./manifest.ts";
import { compareVersions } from "./node-version.ts";
import { cacheFolder } from "./paths.ts";
import { glibcVersion } from "./process-report.ts";
import { run, which } from "./run-program.ts";

export type Libtorch = Pick<Setup, "libtorch" | "version" | "from">;

/** A place that was searched; `libtorch` is set if it has a usable one. */
export interface Attempt {
  place: string;
  found: string;
  libtorch?: Libtorch;
}

/** Folder of the downloaded libtorch that fits this machine. */
export function downloadFolder(env = process.env): string {
  return join(cacheFolder(env), "libtorch", `${torchVersion}-${hasNvidiaDriver() ? "cuda" : "cpu"}`);
}

/**
 * Searches until a place has a usable libtorch.
 * @returns the places searched; the last has `libtorch` if one was found
 */
export async function findLibtorch(env: NodeJS.ProcessEnv = process.env): Promise<Attempt[]> {
  if (env["SCALORA_LIBTORCH"]) return [fromVariable(env["SCALORA_LIBTORCH"])];
  const python = await fromPython(env);
  return python.libtorch === undefined ? [python, fromDownload(env)] : [python];
}

/** The user's own libtorch, of any version; if it is not usable, no other place is searched. */
function fromVariable(value: string): Attempt {
  const place = `SCALORA_LIBTORCH=${value}`;
  const folder = resolve(value);
  for (const libtorch of [folder, join(folder, "torch"), join(folder, "libtorch")]) {
    const missing = missingFile(libtorch);
    if (missing !== undefined) continue;
    const version = versionIn(libtorch) ?? "unknown";
    return {
      place,
      found: `libtorch ${version}`,
      libtorch: { libtorch, version, from: "SCALORA_LIBTORCH" },
    };
  }
  throw new SetupError("SCALORA_LIBTORCH does not name a libtorch", {
    found: `${missingFile(folder)} does not exist`,
    fix: "name the folder that holds libtorch's include and lib (site-packages/torch of a Python, or an unpacked libtorch), or unset the variable",
  });
}

async function fromPython(env: NodeJS.ProcessEnv): Promise<Attempt> {
  const python = which("python3", env);
  const place = `Python's torch (${python ?? "python3"})`;
  if (python === undefined) return { place, found: "no python3 on the PATH" };
  const code =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s and s.origin else '')";
  const { stdout } = await run(python, ["-c", code], { env });
  if (stdout.trim() === "") return { place, found: "torch is not installed there" };
  const libtorch = dirname(stdout.trim());
  const version = versionIn(libtorch);
  if (version?.split("+")[0] !== torchVersion) {
    return {
      place,
      found: `torch ${version ?? "of unknown version"}, not ${torchVersion} (SCALORA_LIBTORCH accepts any version)`,
    };
  }
  const missing = missingFile(libtorch);
  if (missing !== undefined) return { place, found: `torch ${version} without ${missing}` };
  if (hasNvidiaDriver() && !existsSync(join(libtorch, "lib", "libtorch_cuda.so"))) {
    return { place, found: `torch ${version} is built without CUDA, and this machine has an NVIDIA driver` };
  }
  return { place, found: `torch ${version}`, libtorch: { libtorch, version, from: "python" } };
}

function fromDownload(env: NodeJS.ProcessEnv): Attempt {
  const libtorch = join(downloadFolder(env), "torch");
  const version = versionIn(libtorch);
  if (version === undefined) return { place: `the cache (${libtorch})`, found: "not downloaded yet" };
  return {
    place: `the cache (${libtorch})`,
    found: `torch ${version}`,
    libtorch: { libtorch, version, from: "download" },
  };
}

/** The first file that the addon needs and this folder does not have. */
function missingFile(libtorch: string) {
  const library = process.platform === "darwin" ? "libtorch_cpu.dylib" : "libtorch_cpu.so";
  const needed = [join("lib", library), join("include", "ATen", "ATen.h")];
  return needed.map((file) => join(libtorch, file)).find((file) => !existsSync(file));
}

function versionIn(libtorch: string) {
  try {
    const text = readFileSync(join(libtorch, "version.py"), "utf8");
    return /^__version__\s*=\s*['"]([^'"]+)['"]/m.exec(text)?.[1];
  } catch {
    // An unpacked libtorch has no version.py.
  }
  try {
    return readFileSync(join(libtorch, "build-version"), "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Why libtorch cannot be downloaded for this machine; undefined if it can. */
export function whyNoDownload(): SetupError | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return new SetupError(`there is no pinned libtorch for ${process.platform} on ${process.arch}`, {
      fix: `python3 -m pip install torch==${torchVersion}, or set SCALORA_LIBTORCH to a folder with libtorch ${torchVersion}`,
    });
  }
  const glibc = glibcVersion();
  if (glibc === undefined || compareVersions(glibc, "2.28") < 0) {
    return new SetupError("libtorch needs glibc 2.28 or newer", {
      found: glibc === undefined ? "a system without glibc" : `glibc ${glibc}`,
      fix: "use a newer distribution, or set SCALORA_LIBTORCH to a libtorch that was built for this one",
    });
  }
  return undefined;
}

/** A Python whose pip can download wheels for another Python version. */
export async function pythonWithPip(env = process.env): Promise<string> {
  const python = which("python3", env);
  if (python === undefined) {
    throw new SetupError("no python3 on the PATH (it only downloads; nothing runs in it)", {
      fix: installCommand("python", env),
    });
  }
  const { code, stdout, stderr } = await run(python, ["-m", "pip", "--version"], { env });
  if (code !== 0) {
    throw new SetupError("Python has no pip (it only downloads)", {
      found: `${python}: ${stderr.trim().split("\n").at(-1)}`,
      fix: installCommand("pip", env),
    });
  }
  const version = /^pip ([\d.]+)/.exec(stdout)?.[1] ?? "0";
  if (compareVersions(version, "20.3") < 0) {
    throw new SetupError("pip is too old to choose among wheels", {
      found: `pip ${version}; 20.3 or newer is needed`,
      fix: `${python} -m pip install --upgrade pip`,
    });
  }
  return python;
}
