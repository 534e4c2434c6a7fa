// Compiles src to dist when something changed since the last time.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/setup/locate.ts";
import { withLock } from "../../src/setup/lock.ts";

const dist = join(packageRoot, "dist");
const local = join(packageRoot, ".local");
const stampPath = join(local, "build.stamp");
const buildInfo = join(local, "build.tsbuildinfo");

/** @returns ends the process when the sources do not compile */
export async function buildDist(log: (line: string) => void): Promise<void> {
  if (isFresh()) return;
  await withLock(join(local, "build.lock"), log, async () => {
    if (isFresh()) return;
    log("compiling src to dist");
    const stamp = sourcesStamp();
    rmSync(stampPath, { force: true });
    // An incremental compiler writes only what changed: it must not believe in files that are gone.
    if (!existsSync(dist)) rmSync(buildInfo, { force: true });
    const tsc = join(packageRoot, "node_modules", "typescript", "bin", "tsc");
    const args = [
      tsc,
      "-p",
      "tsconfig.build.json",
      "--incremental",
      "--tsBuildInfoFile",
      buildInfo,
      "--noEmitOnError",
    ];
    const { status } = spawnSync(process.execPath, args, { cwd: packageRoot, stdio: ["ignore", 2, 2] });
    if (status !== 0) {
      log("src does not compile (see above)");
      process.exit(1);
    }
    removeOrphans();
    mkdirSync(local, { recursive: true });
    writeFileSync(stampPath, stamp);
  });
}

function isFresh() {
  return existsSync(stampPath) && existsSync(dist) && readFileSync(stampPath, "utf8") === sourcesStamp();
}

/** Names, sizes and times of everything that the compiler reads of ours. */
function sourcesStamp() {
  const hash = createHash("sha256");
  const files = filesUnder("src").filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"));
  for (const file of [...files, "tsconfig.json", "tsconfig.build.json", "package-lock.json"]) {
    const { size, mtimeMs } = statSync(join(packageRoot, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest("hex");
}

/** Outputs whose source was renamed or removed. */
function removeOrphans() {
  for (const file of filesUnder("dist")) {
    const source = file.replace(/^dist/, "src").replace(/(\.d\.ts|\.js|\.js\.map)$/, ".ts");
    if (!existsSync(join(packageRoot, source))) rmSync(join(packageRoot, file));
  }
}

/** Files under a folder, sorted, relative to the package. */
export function filesUnder(folder: string): string[] {
  const entries = readdirSync(join(packageRoot, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packageRoot.length + 1))
    .sort();
}
