// Fills the cache with the pinned libtorch: one wheel after another, each kept once it is whole; then one offline
// install into a temporary folder, which is renamed.
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { SetupError } from "./errors.mjs";
import { downloadFolder, pythonWithPip, whyNoDownload } from "./find.mjs";
import { cacheFolder, hasNvidiaDriver, setupCommand, torchVersion } from "./locate.mjs";
import { formatBytes } from "./progress.mjs";
import { lastLines, run } from "./run.mjs";

/** @typedef {{ requirement: string, name: string, hash: string, file: string, size: number }} Wheel */

/** One Python tag and these platforms, whatever runs pip: so each file has one hash. */
const target = [
  ...["--only-binary=:all:", "--implementation", "cp", "--python-version", "3.12"],
  ...["2_28", "2_27", "2_25", "2_18", "2_17"].flatMap((glibc) => ["--platform", `manylinux_${glibc}_x86_64`]),
  ...["--platform", "manylinux2014_x86_64"],
];

/** Unpacked, a wheel takes this many times its own size. */
const unpackedRatio = 2.4;

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
  const python = await pythonWithPip(env);
  const wheels = pinnedWheels(hasNvidiaDriver() ? "cuda" : "cpu");
  const folder = join(cacheFolder(env), "wheels");
  const scratch = join(cacheFolder(env), "tmp");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  mkdirSync(scratch, { recursive: true });
  const pip = { python, scratch, env: pipEnvironment(env, scratch) };
  await fetchAll(wheels, folder, pip, progress);
  progress.log(`installing libtorch ${torchVersion}`);
  await install(wheels, folder, pip, downloadFolder(env));
  rmSync(folder, { recursive: true, force: true });
  rmSync(scratch, { recursive: true, force: true });
}

/** @typedef {{ python: string, scratch: string, env: NodeJS.ProcessEnv }} Pip */

/** @param {Wheel[]} wheels @param {string} folder @param {Pip} pip @param {import("./progress.mjs").Progress} progress */
async function fetchAll(wheels, folder, pip, progress) {
  const total = sum(wheels);
  const missing = [];
  for (const wheel of wheels) if (!(await isWhole(join(folder, wheel.file), wheel))) missing.push(wheel);
  needSpace(folder, sum(missing) + total * unpackedRatio);
  if (missing.length > 0) progress.log(`downloading libtorch ${torchVersion}, ${formatBytes(sum(missing))}`);
  let done = total - sum(missing);
  for (const wheel of missing) {
    const watch = setInterval(() => {
      const bytes = done + Math.min(wheel.size, bytesUnder(pip.scratch));
      const percent = Math.floor((100 * bytes) / total);
      progress.update(
        `downloading ${wheel.name}: ${formatBytes(bytes)} of ${formatBytes(total)} (${percent} %)`,
      );
    }, 200);
    try {
      await fetchWheel(wheel, folder, pip);
    } finally {
      clearInterval(watch);
      progress.clear();
    }
    done += wheel.size;
  }
}

/** @param {Wheel} wheel @param {string} folder @param {Pip} pip */
async function fetchWheel(wheel, folder, pip) {
  const into = join(pip.scratch, "wheel");
  const options = ["--no-cache-dir", "--progress-bar", "off", "--dest", into];
  await runPip("download", [wheel], options, pip, `libtorch could not be downloaded (${wheel.file})`);
  renameSync(join(into, wheel.file), join(folder, wheel.file));
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

/**
 * One pip command on exactly these wheels, by their hashes.
 * @param {string} command @param {Wheel[]} wheels @param {string[]} options @param {Pip} pip @param {string} failure
 */
async function runPip(command, wheels, options, pip, failure) {
  const requirements = join(pip.scratch, "requirements.txt");
  writeFileSync(requirements, wheels.map(({ requirement }) => `${requirement}\n`).join(""));
  const args = ["-m", "pip", command, "--no-deps", "--require-hashes", ...options, ...target];
  const result = await run(pip.python, [...args, "-r", requirements], pip);
  if (result.code !== 0) throw pipError(failure, result, pip.scratch);
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

/** What the user's pip settings could change is switched off; mirrors, proxies and certificates stay. @param {NodeJS.ProcessEnv} env @param {string} scratch */
function pipEnvironment(env, scratch) {
  const { PIP_TARGET: _target, PIP_PREFIX: _prefix, PIP_ROOT: _root, ...rest } = env;
  const fixed = {
    PIP_USER: "0",
    PIP_REQUIRE_VIRTUALENV: "0",
    PIP_ROOT_USER_ACTION: "ignore",
    PIP_NO_INPUT: "1",
  };
  return { ...rest, ...fixed, PIP_DISABLE_PIP_VERSION_CHECK: "1", TMPDIR: scratch };
}

/** @param {string} what @param {{ stdout: string, stderr: string }} result @param {string} scratch */
function pipError(what, { stdout, stderr }, scratch) {
  const output = `${stdout}\n${stderr}`;
  const found = `pip says:\n${pipComplaint(stderr || stdout)}`;
  if (/No space left on device|Errno 28/i.test(output)) return fullDisk(scratch, undefined);
  if (/DO NOT MATCH THE HASHES/i.test(output)) {
    return new SetupError(what, {
      found,
      fix: `the file differs from the pinned one: check the package index that pip uses`,
    });
  }
  if (/resolv|connection|timed? ?out|unreachable|SSLError|ProxyError|could not fetch url/i.test(output)) {
    const fix = `connect to a network where pip reaches its package index (or set PIP_INDEX_URL), then run ${setupCommand} again: it goes on where it stopped`;
    return new SetupError(what, { found, fix });
  }
  const fix = `run ${setupCommand} again, or set SCALORA_LIBTORCH to a folder with libtorch ${torchVersion}`;
  return new SetupError(what, { found, fix });
}

/** What pip says without its retries, each line short and indented. @param {string} text */
function pipComplaint(text) {
  const [retries, rest] = [/^WARNING: Retrying .*$/gm, /'[A-Z]\w+Error\(.*?: (.*?)'\)'/];
  const reason = rest.exec(text.match(retries)?.at(-1) ?? "")?.[1];
  const lines = lastLines(text.replace(retries, ""), 6).split("\n");
  return [...(reason === undefined ? [] : [reason]), ...lines]
    .map((line) => `         ${line.slice(0, 200)}`)
    .join("\n");
}

/** @param {string} folder @param {number} bytes */
function needSpace(folder, bytes) {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < bytes) throw fullDisk(folder, bytes);
}

/** @param {string} folder @param {number | undefined} bytes */
function fullDisk(folder, bytes) {
  const { bavail, bsize } = statfsSync(folder);
  const needed = bytes === undefined ? "" : `, ${formatBytes(bytes)} needed`;
  return new SetupError("the disk is too full for libtorch", {
    found: `${formatBytes(bavail * bsize)} free in ${folder}${needed}`,
    fix: `free some space, or set XDG_CACHE_HOME to a folder on another disk, then run ${setupCommand} again`,
  });
}

/** @param {string} path @param {Wheel} wheel */
async function isWhole(path, wheel) {
  if (!existsSync(path) || statSync(path).size !== wheel.size) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === wheel.hash;
}

/** Bytes of wheels under a folder that another process is writing. @param {string} folder @returns {number} */
function bytesUnder(folder) {
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

/** @param {Wheel[]} wheels */
function sum(wheels) {
  return wheels.reduce((bytes, wheel) => bytes + wheel.size, 0);
}
