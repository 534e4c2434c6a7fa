// Compiles sources together, and keeps what became of them for the next time.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nativeFiles } from "../../src/setup/native-files.ts";
import { cacheFolder, packageRoot } from "../../src/setup/paths.ts";
import { lastLines, run } from "../../src/setup/run-program.ts";

/** A compiler, which takes options as g++ does. */
export interface Compiler {
  program: string;
  /** For people, and to know again what it made. */
  version: string;
}

/** Sources that are compiled as one. */
export interface SourceUnit {
  name: string;
  /** Of the repository. */
  sources: readonly string[];
  flags: readonly string[];
}

const objects = () => join(cacheFolder(), "objects");

/** So that a file is the same wherever it is compiled. @param folders whose paths it may not contain */
export const withoutPaths = (folders: readonly string[]): string[] =>
  [packageRoot, objects(), ...folders].map((folder) => `-ffile-prefix-map=${folder}=.`);

/** @param others files that the flags name, on whose content the result depends too @returns the objects, from the cache where they are there */
export async function compileUnits(
  units: readonly SourceUnit[],
  compiler: Compiler,
  log: (line: string) => void,
  others: readonly string[] = [],
): Promise<string[]> {
  const headers = nativeFiles().filter((file) => file.endsWith(".h"));
  const built: string[] = [];
  for (const unit of units) {
    const texts = [...headers, ...unit.sources, ...others].map((file) =>
      readFileSync(join(packageRoot, file), "utf8"),
    );
    const key = createHash("sha256")
      .update(JSON.stringify([compiler.version, unit.flags, unit.sources, texts]))
      .digest("hex");
    const object = join(objects(), `${key.slice(0, 20)}.o`);
    if (!existsSync(object)) {
      log(`compiling ${unit.name} with ${compiler.version}`);
      await compileUnit(unit, compiler, object);
    }
    built.push(object);
  }
  return built;
}

async function compileUnit({ sources, flags }: SourceUnit, { program }: Compiler, object: string) {
  mkdirSync(objects(), { recursive: true });
  const temporary = `${object}.${process.pid}.tmp`;
  const unit = `${object.slice(0, -2)}.cpp`;
  const paths = sources.map((file) => join(packageRoot, file).replaceAll("\\", "/"));
  writeFileSync(unit, paths.map((path) => `#include "${path}"\n`).join(""));
  try {
    await runOrThrow(program, [...flags, "-c", unit, "-o", temporary]);
    renameSync(temporary, object);
  } finally {
    rmSync(unit);
  }
}

/** Runs a program. @returns what it prints */
export async function runOrThrow(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, [...args], { env: { ...process.env, LC_ALL: "C" } });
  if (code === 0) return stdout;
  throw new Error(`${program} ${args[0]} … ends with ${code}:\n${lastLines(stderr, 20)}`);
}

/** The first line of what a compiler says of its version. */
export async function versionOf(program: string, args: readonly string[] = ["--version"]): Promise<string> {
  return (await runOrThrow(program, args)).split("\n")[0]?.trim() ?? "";
}
