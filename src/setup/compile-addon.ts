// Compiles the addon against libtorch: one object file of the operators and one of the rest, in parallel, each cached under a
// hash of its inputs. Most of a source's time goes into libtorch's headers, so they are read once for all sources of an object.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { SetupError } from "./errors.ts";
import type { Libtorch } from "./find-libtorch.ts";
import { installCommand } from "./install-command.ts";
import { compileFlags, linkFlags } from "./manifest.ts";
import { nativeFiles } from "./native-files.ts";
import { ncclHeaders } from "./nccl-headers.ts";
import { cacheFolder, packageRoot } from "./paths.ts";
import type { Progress } from "./progress.ts";
import { lastLines, type RunResult, run, which } from "./run-program.ts";

interface Compiler {
  path: string;
  version: string;
}

interface Build {
  compiler: Compiler;
  env: NodeJS.ProcessEnv;
  /** Folder of libtorch. */
  libtorch: string;
  /** Folders of headers for NCCL; none: without it. */
  nccl: readonly string[];
  /** Folder of the objects. */
  objects: string;
  /** Resolves when npm's packages are there, of which one has the headers of Node-API. */
  packages: Promise<unknown>;
}

/** Sources that are compiled together, and what they compile to. */
interface Unit {
  /** Folders, for people. */
  name: string;
  sources: string[];
  usesNodeApi: boolean;
  object: string;
}

/** What only libtorch calls: it needs no header of Node's, and takes the longest to compile. */
const withoutNodeApi = "native/operators";

/** A unit takes about this much memory to compile. */
const bytesPerJob = 2e9;

/** The compiler in `CXX`, otherwise the first of the usual ones that runs. */
export async function findCompiler(env = process.env): Promise<Compiler> {
  const names = env["CXX"] ? [env["CXX"]] : ["g++", "clang++", "c++"];
  for (const name of names) {
    const path = which(name, env);
    if (path === undefined) continue;
    const { code, stdout } = await run(path, ["--version"], { env });
    const [version = ""] = stdout.split("\n");
    if (code === 0) return { path, version: version.trim() };
  }
  const found = env["CXX"]
    ? `CXX=${env["CXX"]}, which does not run`
    : `none of ${names.join(", ")} is on the PATH`;
  throw new SetupError("no C++ compiler", { found, fix: installCommand("compiler", env) });
}

/**
 * Builds the addon unless the cache has it. The caller holds the lock.
 * @param packages while npm still installs them, what needs none of them is compiled
 */
export async function compileAddon(
  libtorch: Libtorch,
  progress: Progress,
  { env, packages }: { env: NodeJS.ProcessEnv; packages: Promise<unknown> },
): Promise<{ addon: string; compiler: Compiler }> {
  const compiler = await findCompiler(env);
  const files = nativeFiles();
  const common = digest([
    compiler.version,
    compiler.path,
    compileFlags,
    libtorch.libtorch,
    libtorch.version,
    nodeApiVersion(),
  ]);
  const texts = files.map((file) => [file, readFileSync(join(packageRoot, file), "utf8")]);
  const objects = join(cacheFolder(env), "objects");
  const nccl = ncclHeaders(libtorch.libtorch);
  const build = { compiler, env, libtorch: libtorch.libtorch, nccl, objects, packages };
  const units = unitsOf(files).map((unit) => {
    const parts = texts.filter(([file = ""]) => file.endsWith(".h") || unit.sources.includes(file));
    const others = unit.usesNodeApi && nccl.length > 0 ? [nccl] : [];
    return { ...unit, object: join(objects, `${digest([common, parts, ...others])}.o`) };
  });
  const linked = digest([linkFlags, units.map(({ object }) => object)]);
  const addon = join(cacheFolder(env), "addon", linked, "scalora.node");
  if (existsSync(addon)) return { addon, compiler };
  mkdirSync(build.objects, { recursive: true });
  await compileAll(units, build, progress);
  await link(units, addon, libtorch, build);
  return { addon, compiler };
}

/** What is compiled together, of the files under `native`. The longest first: its time is that of all. */
export function unitsOf(files: readonly string[]): Omit<Unit, "object">[] {
  const sources = files.filter((file) => file.endsWith(".cpp"));
  return [false, true].map((usesNodeApi) => {
    const own = sources.filter((file) => (dirname(file) !== withoutNodeApi) === usesNodeApi);
    return { name: [...new Set(own.map((file) => dirname(file)))].join(" and "), sources: own, usesNodeApi };
  });
}

async function compileAll(units: readonly Unit[], build: Build, progress: Progress) {
  const missing = units.filter(({ object }) => !existsSync(object));
  if (missing.length > 0) progress.log(`compiling the addon with ${build.compiler.version}`);
  const queue = [...missing];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (next.usesNodeApi) await build.packages;
      progress.update(`compiling ${next.name} (about half a minute)`);
      await compile(next, build);
    }
  };
  const jobs = Math.max(
    1,
    Math.min(availableParallelism(), Math.floor(totalmem() / bytesPerJob), missing.length),
  );
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } catch (error) {
    queue.length = 0;
    throw error;
  } finally {
    progress.clear();
  }
}

async function compile({ name, sources, usesNodeApi, object }: Unit, build: Build) {
  const { compiler, env, libtorch, nccl } = build;
  const flags = usesNodeApi
    ? [...flagsFor(libtorch, [nodeApiHeaders(), ...nccl]), ...(nccl.length > 0 ? ["-DUSE_C10D_NCCL"] : [])]
    : flagsFor(libtorch, []);
  const temporary = `${object}.${process.pid}.tmp`;
  const unit = `${temporary}.cpp`;
  writeFileSync(unit, sources.map((source) => `#include "${join(packageRoot, source)}"\n`).join(""));
  const result = await run(compiler.path, [...flags, "-c", unit, "-o", temporary], { env });
  rmSync(unit);
  if (result.code !== 0) throw compileError(`${name} does not compile`, result, compiler);
  renameSync(temporary, object);
}

async function link(
  units: readonly Unit[],
  addon: string,
  { libtorch }: Libtorch,
  { compiler, env, nccl }: Build,
) {
  const lib = join(libtorch, "lib");
  const temporary = `${dirname(addon)}.${process.pid}.tmp`;
  const output = join(temporary, "scalora.node");
  mkdirSync(temporary, { recursive: true });
  const cuda = nccl.length > 0 ? ["-ltorch_cuda", "-lc10_cuda"] : [];
  const libraries = [`-L${lib}`, "-ltorch_cpu", "-lc10", ...cuda, `-Wl,-rpath,${lib}`];
  const result = await run(
    compiler.path,
    [...linkFlags, ...units.map(({ object }) => object), ...libraries, "-o", output],
    { env },
  );
  if (result.code !== 0) throw compileError("the addon does not link", result, compiler);
  await tryLoading(output, env);
  rmSync(dirname(addon), { recursive: true, force: true });
  renameSync(temporary, dirname(addon));
}

/** Loads the addon in a child process, to find missing libraries. */
export async function tryLoading(addon: string, env: NodeJS.ProcessEnv) {
  const code = "process.dlopen({ exports: {} }, process.argv.at(-1))";
  const { NODE_OPTIONS: _options, ...rest } = env;
  const result = await run(process.execPath, ["-e", code, addon], { env: rest });
  if (result.code === 0) return;
  const reason =
    result.stderr.split("\n").find((line) => line.startsWith("Error:")) ?? lastLines(result.stderr, 4);
  throw new SetupError("the addon was compiled but does not load", {
    found: reason || `exit code ${result.code}`,
    fix: "set SCALORA_LIBTORCH to a complete libtorch that was built for this system, or unset it",
  });
}

function flagsFor(libtorch: string, others: readonly string[]) {
  return [...compileFlags, ...includeFolders(libtorch, others).flatMap((folder) => ["-isystem", folder])];
}

/** Folders of headers that every source is compiled with. */
export function includeFolders(libtorch: string, others: readonly string[]): string[] {
  const include = join(libtorch, "include");
  // libtorch's headers include gloo's, which it lacks.
  const gloo = join(packageRoot, "native/distributed");
  return [include, join(include, "torch/csrc/api/include"), ...others, gloo];
}

/** Folder of the headers. Not a static import: in a fresh clone this module is loaded before the npm packages are installed. */
export function nodeApiHeaders(): string {
  const require = createRequire(import.meta.url);
  const { include_dir: folder }: { include_dir: string } = require("node-api-headers");
  return folder;
}

/** The version of the headers, which the package names exactly. */
function nodeApiVersion() {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(packageRoot, "package.json"), "utf8"),
  );
  return dependencies["node-api-headers"];
}

function compileError(what: string, { stderr, code }: RunResult, compiler: Compiler) {
  const errors = stderr.split("\n").filter((line) => /error|undefined reference|cannot find/i.test(line));
  const found = `${compiler.version}:\n${errors.slice(0, 8).join("\n") || lastLines(stderr) || `exit code ${code}`}`;
  if (/No space left on device/i.test(stderr)) {
    return new SetupError("the disk is too full to compile the addon", { found, fix: "free some space" });
  }
  if (code === 128 || /Killed/.test(stderr)) {
    return new SetupError(what, {
      found,
      fix: "the compiler was killed, usually because memory ran out (2 GB are needed)",
    });
  }
  return new SetupError(what, {
    found,
    fix: "use g++ 11 or newer, or clang++ 14 or newer (the CXX variable chooses one)",
  });
}

function digest(value: unknown) {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 20);
}
