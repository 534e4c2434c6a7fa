// Addons for Linux: g++ of this machine, or one that compiles for another kind of machine, and its binutils.
import { join } from "node:path";
import { includeFolders, nodeApiHeaders, unitsOf } from "../../src/setup/compile-addon.ts";
import { compileFlags, linkFlags } from "../../src/setup/manifest.ts";
import { nativeFiles } from "../../src/setup/native-files.ts";
import { compareVersions } from "../../src/setup/node-version.ts";
import { packageRoot } from "../../src/setup/paths.ts";
import { compileUnits, runOrThrow, versionOf, withoutPaths } from "./compile-units.ts";
import type { CompileJob, Needs, Toolchain } from "./toolchain.ts";

const ownFolder = "scripts/packages/old-libraries";
/** Included before everything else: it asks for the symbols of older libraries than the compiler's own. */
const olderSymbols = `${ownFolder}/older-symbols.h`;
/** What older libraries lack. Compiled as C++17, in which it can call what they have. */
const missingSymbols = `${ownFolder}/missing-symbols.cpp`;

const systemLibraries =
  /^(ld-linux-[\w-]+\.so\.\d|lib(c|m|dl|rt|pthread|util)\.so\.\d|libgcc_s\.so\.1|libstdc\+\+\.so\.6)$/;

/** @param prefix of the programs' names, for example "aarch64-linux-gnu-" */
export function gnuToolchain(prefix: string): Toolchain {
  return {
    compile: (job) => compile(`${prefix}g++`, job),
    inspect: (file) => inspect(`${prefix}readelf`, file),
    isOfSystem: (library) => systemLibraries.test(library),
  };
}

async function compile(program: string, { libtorch, output, log }: CompileJob): Promise<string> {
  const compiler = { program, version: await versionOf(program) };
  const folders = includeFolders(libtorch, [nodeApiHeaders()]).flatMap((folder) => ["-isystem", folder]);
  const older = ["-include", join(packageRoot, olderSymbols)];
  const flags = [...compileFlags, ...older, ...withoutPaths([libtorch]), ...folders];
  const units = unitsOf(nativeFiles()).map(({ name, sources }) => ({ name, sources, flags }));
  const missing = { name: missingSymbols, sources: [missingSymbols], flags: ["-std=c++17", "-O2", "-fPIC"] };
  const built = await compileUnits([...units, missing], compiler, log, [olderSymbols]);
  const lib = join(libtorch, "lib");
  const libraries = [`-L${lib}`, "-ltorch_cpu", "-lc10", "-Wl,-rpath,$ORIGIN", "-Wl,--build-id=none"];
  // What libtorch itself needs is none of this link's business.
  const options = ["-s", "-Wl,--allow-shlib-undefined", ...libraries];
  await runOrThrow(program, [...linkFlags, ...built, ...options, "-o", output]);
  return compiler.version;
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
