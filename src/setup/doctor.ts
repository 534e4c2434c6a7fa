// Checks whether this machine has what scalora needs; changes nothing.
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { findCompiler, tryLoading } from "./compile-addon.ts";
import { SetupError } from "./errors.ts";
import { type Attempt, findLibtorch, pythonWithPip, whyNoDownload } from "./find-libtorch.ts";
import { pinnedWheels } from "./install-libtorch.ts";
import { hasNvidiaDriver, readSetup, setupCommand } from "./manifest.ts";
import { isNodeTooOld, minimumNode } from "./node-version.ts";
import { cacheFolder } from "./paths.ts";
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
  const setup = readSetup({ env });
  if (setup === undefined)
    return missing("addon", "not set up for this version and environment", setupCommand);
  return attempt("addon", async () => {
    await tryLoading(setup.addon, env);
    return `loads (${setup.addon}; libtorch ${setup.version} from ${setup.from}; ${setup.compiler})`;
  });
}

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
