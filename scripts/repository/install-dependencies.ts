// Installs the npm packages of a clone when they are missing or not those of package-lock.json.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/paths.ts";
import { withLock } from "../../src/util/locks/process-lock.ts";
import { runQuietly } from "./run-quietly.ts";

type Lock = {
  packages: Record<string, { version?: string; integrity?: string; optional?: boolean; peer?: boolean }>;
};

export async function installDependencies(log: (line: string) => void) {
  if (areInstalled()) return;
  const lock = join(packageRoot, ".local", "npm-lock");
  await withLock(lock, "another npm ci", { onWait: log }, async () => {
    if (areInstalled()) return;
    log("npm ci: installing the packages of package-lock.json");
    const args = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"];
    const problem = await runQuietly("npm", args);
    if (problem === undefined) return;
    log(`npm ci ${problem}`);
    process.exit(1);
  });
}

/** Whether node_modules holds what package-lock.json says; npm writes its own list last, so a broken install has none. */
function areInstalled() {
  const wanted = readLock("package-lock.json");
  const installed = readLock("node_modules/.package-lock.json");
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted.packages).every(([path, { version, integrity, optional }]) => {
    const found = installed.packages[path];
    if (path === "" || (optional && found === undefined)) return true;
    return found?.version === version && found?.integrity === integrity;
  });
}

function readLock(path: string): Lock | undefined {
  try {
    return JSON.parse(readFileSync(join(packageRoot, path), "utf8"));
  } catch {
    return undefined;
  }
}
