import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { cannotWrite } from "./cannot-write.ts";
import { ScaloraError } from "./errors.ts";
import { makeFolders, syncFolder } from "./files.ts";

/**
 * Creates a folder atomically: `fill` writes into a temporary folder next to it, which is then renamed. Parent folders are
 * created.
 * @throws ScaloraError `usage` when something that is not an empty folder is there already, `run` when it cannot be
 * written
 */
export function writeFolderAtomic(path: string, fill: (temporary: string) => void): void {
  const target = resolve(path);
  requireEmpty(target);
  const parent = dirname(target);
  const temporary = join(parent, `.${basename(target)}.${process.pid}.tmp`);
  try {
    makeFolders(parent);
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    fill(temporary);
    syncFolder(temporary);
    if (existsSync(target)) rmdirSync(target);
    renameSync(temporary, target);
    syncFolder(parent);
  } catch (error) {
    if (existsSync(temporary)) rmSync(temporary, { recursive: true });
    if (error instanceof ScaloraError) throw error;
    throw cannotWrite("Cannot write the folder", target, {
      cause: error,
      otherwise: "choose another folder",
    });
  }
}

/** @throws ScaloraError `usage` when something that is not an empty folder is there */
export function requireEmpty(target: string): void {
  if (!existsSync(target)) return;
  let names: string[] | undefined;
  try {
    names = readdirSync(target);
  } catch {
    // Not a folder, or not readable: occupied in any case.
  }
  if (names?.length === 0) return;
  throw new ScaloraError("usage", "The output folder is not empty", {
    where: target,
    found: names === undefined ? "a file" : names.slice(0, 5).join(", "),
    fix: "choose another folder, or remove this one first",
  });
}
