// Checks whether this machine has what scalora needs; changes nothing.
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { findCompiler, tryLoading } from "./compile-addon.ts";
import { SetupError } from "./errors.ts";
import { type Attempt, findLibtorch, pythonWithPip, whyNoDownload } from "./find-libtorch.ts";
import { pinnedWheels } from "./install-libtorch.ts";
import { hasNvidiaDriver, readSetup, type Setup, setupCommand } from "./manifest.ts";
import { isNodeTooOld, minimumNode } from "./node-version.ts";
import { nothingToLoad } from "./nothing-to-load.ts";
import { cacheFolder } from "./paths.ts";
import { checkPackage, findPlatformPackage, offeredPlatforms } from "./platform-package.ts";
import { formatDecimalBytes } from "./progress.ts";

/** One requirement of scalora, or one place that was searched for libtorch. */
export interface Finding {
  name: string;
  /** `info`: a place without libtorch, which another place may have. */
  status: "ok" | "missing" | "info";
  found: string;
  /** The command or step that fixes it; set for everything that is missing. */
  cure?: string;
}

/** Checks every requirement, in the order in which set-up needs them. */
export async function inspect(env: NodeJS.ProcessEnv = process.env): Promise<Finding[]> {
  const machine = [inspectNode(), inspectSystem()];
  const packaged = inspectPackage(env);
  if (packaged.length > 0) return [...machine, ...packaged, await inspectAddon(env)];
  const libtorch = await inspectLibtorch(env);
  const present = libtorch.at(-1)?.status === "ok";
  const python = present ? [] : [await inspectPython(env), inspectDisk(env)];
  return [
    ...machine,
    ...whyNoPackage(env),
    await inspectCompiler(env),
    ...libtorch,
    ...python,
    await inspectAddon(env),
  ];
}

/** The prebuilt package, where it is what the addon is loaded from, or cannot be. */
function inspectPackage(env: NodeJS.ProcessEnv): Finding[] {
  const name = "prebuilt package";
  try {
    const found = readSetup({ env })?.package;
    if (found === undefined) return [];
    checkPackage(found, { env, isThorough: true });
    const { files, libtorch, scalora } = found.manifest;
    const hashed = `its ${Object.keys(files).length} files have the SHA-256 that they were packed with`;
    const text = `${found.name} ${scalora} with libtorch ${libtorch} (${found.folder}); ${hashed}; nothing is compiled`;
    return [ok(name, text), ...inspectGpu()];
  } catch (error) {
    return [fromError(name, error)];
  }
}

/** A package computes on the CPU. */
function inspectGpu(): Finding[] {
  if (!hasNvidiaDriver()) return [];
  const found = `not used: the prebuilt package computes on the CPU. \`${setupCommand}\` downloads libtorch for CUDA (2.5 GB, with pip) and compiles the addon, which then is used instead`;
  return [{ name: "NVIDIA GPU", status: "info", found }];
}

/** Only a scalora from npm asks for packages, and not for a libtorch that is named. */
function whyNoPackage(env: NodeJS.ProcessEnv): Finding[] {
  if (offeredPlatforms().length === 0 || env["SCALORA_LIBTORCH"]) return [];
  if (findPlatformPackage() !== undefined) {
    const found = "installed, but not used: on this machine libtorch for CUDA is set up";
    return [{ name: "prebuilt package", status: "info", found }];
  }
  const { what, found } = nothingToLoad({ env });
  return [{ name: "prebuilt package", status: "info", found: `${what}: ${found}` }];
}

function inspectNode(): Finding {
  const found = `${process.version} (${process.execPath})`;
  return isNodeTooOld()
    ? missing("Node", `${found}; ${minimumNode} or newer is needed`, "install a newer Node")
    : ok("Node", found);
}

function inspectSystem(): Finding {
  const gpu = hasNvidiaDriver() ? "with an NVIDIA driver" : "no NVIDIA driver: computes on the CPU";
  return ok("system", `${process.platform} ${process.arch}, ${gpu}`);
}

async function inspectCompiler(env: NodeJS.ProcessEnv): Promise<Finding> {
  return attempt("C++ compiler", async () => {
    const { version, path } = await findCompiler(env);
    return `${version} (${path})`;
  });
}

/** Every place that was searched; only the last one counts. */
async function inspectLibtorch(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  let attempts: Attempt[];
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

/** Needed only for the download. */
async function inspectPython(env: NodeJS.ProcessEnv): Promise<Finding> {
  return attempt("Python with pip", () => pythonWithPip(env));
}

function inspectDisk(env: NodeJS.ProcessEnv): Finding {
  const bytes = pinnedWheels(hasNvidiaDriver() ? "cuda" : "cpu").reduce(
    (total, wheel) => total + wheel.size,
    0,
  );
  let folder = cacheFolder(env);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const found = `${formatDecimalBytes(bavail * bsize)} free in ${folder}`;
  const needed = 3.4 * bytes;
  if (bavail * bsize >= needed) return ok("disk", found);
  const cure = "free some space, or set XDG_CACHE_HOME to a folder on another disk";
  return missing(
    "disk",
    `${found}; ${formatDecimalBytes(needed)} are needed while libtorch is installed`,
    cure,
  );
}

async function inspectAddon(env: NodeJS.ProcessEnv): Promise<Finding> {
  return attempt("addon", async () => {
    const setup = readSetup({ env });
    if (setup === undefined) {
      throw new SetupError("not set up for this version and environment", { fix: setupCommand });
    }
    const { addon, version, compiler } = setup;
    await tryLoading(addon, env);
    return `loads (${addon}; libtorch ${version} from ${reasons[setup.from]}; ${compiler})`;
  });
}

/** Why it is this libtorch, in the order of choice. */
const reasons: Readonly<Record<Setup["from"], string>> = {
  SCALORA_LIBTORCH: "SCALORA_LIBTORCH",
  package: "the prebuilt package of this platform",
  python: "python",
  download: "download",
};

async function attempt(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return ok(name, await look());
  } catch (error) {
    return fromError(name, error);
  }
}

function fromError(name: string, error: unknown): Finding {
  if (!(error instanceof SetupError)) throw error;
  const found = error.found === undefined ? error.what : `${error.what}: ${error.found}`;
  return missing(name, found, error.fix ?? setupCommand);
}

function ok(name: string, found: string): Finding {
  return { name, status: "ok", found };
}

function missing(name: string, found: string, cure: string): Finding {
  return { name, status: "missing", found, cure };
}
