// Addons for Linux: g++ of this machine, or one that compiles for another kind of machine, and its binutils.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { includeFolders, nodeApiHeaders, unitsOf } from "../../src/setup/compile-addon.ts";
import { compileFlags, linkFlags } from "../../src/setup/manifest.ts";
import { nativeFiles } from "../../src/setup/native-files.ts";
import { compareVersions } from "../../src/setup/node-version.ts";
import { cacheFolder, packageRoot } from "../../src/setup/paths.ts";
import { lastLines, run } from "../../src/setup/run-program.ts";
import type { CompileJob, Needs, Toolchain } from "./toolchain.ts";

const ownFolder = join(packageRoot, "scripts", "packages", "old-libraries");
/** Included before everything else: it asks for the symbols of older libraries than the compiler's own. */
const olderSymbols = join(ownFolder, "older-symbols.h");
/** What older libraries lack. Compiled as C++17, in which it can call what they have. */
const missingSymbols = join(ownFolder, "missing-symbols.cpp");

const systemLibraries =
  /^(ld-linux-[\w-]+\.so\.\d|lib(c|m|dl|rt|pthread)\.so\.\d|libgcc_s\.so\.1|libstdc\+\+\.so\.6)$/;

/** @param prefix of the programs' names, for example "aarch64-linux-gnu-" */
export function gnuToolchain(prefix: string): Toolchain {
  return {
    compile: (job) => compile(`${prefix}g++`, job),
    inspect: (file) => inspect(`${prefix}readelf`, file),
    isOfSystem: (library) => systemLibraries.test(library),
  };
}

async function compile(compiler: string, { libtorch, output, log }: CompileJob): Promise<string> {
  const version = (await runOrThrow(compiler, ["--version"])).split("\n")[0] ?? "";
  const files = nativeFiles();
  const headers = files.filter((file) => file.endsWith(".h"));
  const folders = includeFolders(libtorch, [nodeApiHeaders()]).flatMap((folder) => ["-isystem", folder]);
  // The same files wherever they are compiled.
  const maps = [packageRoot, libtorch, objects()].map((folder) => `-ffile-prefix-map=${folder}=.`);
  const flags = [...compileFlags, "-include", olderSymbols, ...maps, ...folders];
  const units = unitsOf(files).map(({ name, sources }) => ({ name, sources, flags }));
  const all = [
    ...units,
    { name: "symbols", sources: [missingSymbols], flags: ["-std=c++17", "-O2", "-fPIC"] },
  ];
  const built = [];
  for (const { name, sources, flags: own } of all) {
    const texts = [...headers, ...sources, olderSymbols].map((file) =>
      readFileSync(join(packageRoot, relative(file))),
    );
    const key = digest([version, own, sources, libtorch, ...texts.map((text) => text.toString("base64"))]);
    built.push(await compileUnit(compiler, { name, sources, flags: own, key }, log));
  }
  const lib = join(libtorch, "lib");
  const libraries = [`-L${lib}`, "-ltorch_cpu", "-lc10", "-Wl,-rpath,$ORIGIN", "-Wl,--build-id=none"];
  // What libtorch itself needs is none of this link's business.
  const options = ["-s", "-Wl,--allow-shlib-undefined", ...libraries];
  await runOrThrow(compiler, [...linkFlags, ...built, ...options, "-o", output]);
  return version;
}

const objects = () => join(cacheFolder(), "objects");
const relative = (file: string) => file.replace(`${packageRoot}/`, "");

interface NamedUnit {
  name: string;
  sources: readonly string[];
  flags: readonly string[];
  key: string;
}

/** The object, from the cache where it is there. */
async function compileUnit(
  compiler: string,
  { name, sources, flags, key }: NamedUnit,
  log: (line: string) => void,
) {
  const object = join(objects(), `${key}.o`);
  if (existsSync(object)) return object;
  log(`compiling ${name} with ${compiler}`);
  mkdirSync(objects(), { recursive: true });
  const unit = join(objects(), `${key}.cpp`);
  const temporary = `${object}.tmp`;
  writeFileSync(unit, sources.map((file) => `#include "${join(packageRoot, relative(file))}"\n`).join(""));
  try {
    await runOrThrow(compiler, [...flags, "-c", unit, "-o", temporary]);
    renameSync(temporary, object);
  } finally {
    rmSync(unit);
  }
  return object;
}

async function inspect(readelf: string, file: string): Promise<Needs> {
  const text = await runOrThrow(readelf, ["-W", "-d", "-V", file]);
  const libraries = [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name = ""]) => name);
  const versions = new Map<string, string>();
  // Versions that a file needs are listed with flags; those that it defines are listed with a revision.
  for (const [, set = "", version = ""] of text.matchAll(/Name: ([A-Z]+)_([\d.]+)\s+Flags:/g)) {
    if (compareVersions(version, versions.get(set) ?? "0") > 0) versions.set(set, version);
  }
  return { libraries, versions };
}

async function runOrThrow(program: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, { env: { ...process.env, LC_ALL: "C" } });
  if (code === 0) return stdout;
  throw new Error(`${program} ${args[0]} … ends with ${code}:\n${lastLines(stderr, 20)}`);
}

const digest = (value: unknown) =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 20);
