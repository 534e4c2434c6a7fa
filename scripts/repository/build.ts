// Compiles src to dist.
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { withLock } from "../../src/util/locks/process-lock.ts";
import { runQuietly } from "./run-quietly.ts";

/** Empty; from when the last build that succeeded began. */
const marker = join(packageRoot, "dist", ".built");
const tsc = join(packageRoot, "node_modules", "typescript", "bin", "tsc");

/**
 * Compiles what changed. Ends the process when the sources do not compile.
 * @param flags of the compiler
 */
export async function buildDist(log: (line: string) => void, flags: readonly string[] = []) {
  const lock = join(packageRoot, ".local", "build-lock");
  await withLock(lock, "another build", { onWait: log }, () => compile(log, flags));
}

/**
 * The same, and costs milliseconds when nothing changed: the compiler alone takes .15 s to find that. Types are first checked
 * when something changes: those of a fresh clone were checked before they were committed, which takes as long as the rest.
 */
export async function refreshDist(log: (line: string) => void) {
  if (isFresh()) return;
  log("compiling src to dist");
  await buildDist(log, existsSync(marker) ? [] : ["--noCheck"]);
}

async function compile(log: (line: string) => void, flags: readonly string[]) {
  const began = new Date();
  const problem = await runQuietly(process.execPath, [tsc, "-b", "tsconfig.build.json", ...flags]);
  if (problem !== undefined) {
    log(`compiling src ${problem}`);
    process.exit(1);
  }
  removeOrphans();
  writeFileSync(marker, "");
  utimesSync(marker, began, began);
}

/** Whether nothing that the compiler reads of ours changed since; a folder changes when a file in it comes or goes. */
function isFresh() {
  if (!existsSync(marker)) return false;
  const { mtimeMs } = statSync(marker);
  const sources = entriesUnder("src").filter((path) => !path.endsWith(".test.ts"));
  const inputs = [
    "tsconfig.json",
    "tsconfig.build.json",
    "tsconfig.page.json",
    "package-lock.json",
    "src",
    ...sources,
  ];
  return inputs.every((path) => statSync(join(packageRoot, path)).mtimeMs < mtimeMs);
}

/** Outputs whose source was renamed or removed. */
function removeOrphans() {
  for (const file of filesUnder("dist")) {
    const source = file.replace(/^dist/, "src").replace(/(\.d\.ts|\.js|\.js\.map)$/, ".ts");
    if (source.endsWith(".ts") && !existsSync(join(packageRoot, source))) rmSync(join(packageRoot, file));
  }
}

/** Files under a folder, sorted, relative to the package. */
export function filesUnder(folder: string): string[] {
  return entriesUnder(folder).filter((path) => statSync(join(packageRoot, path)).isFile());
}

function entriesUnder(folder: string): string[] {
  const names = readdirSync(join(packageRoot, folder), { encoding: "utf8", recursive: true });
  return names.map((name) => join(folder, name)).sort();
}
