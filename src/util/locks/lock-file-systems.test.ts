import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { ProcessLock } from "./process-lock.ts";

/** What the file system of these tests does otherwise than usual ones. */
const system = vi.hoisted(() => ({ replacesFolders: true, renames: true, touches: true }));
vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const renameSync: typeof fs.renameSync = (from, to) => {
    if (!system.renames || (!system.replacesFolders && fs.existsSync(to)))
      throw Object.assign(new Error("EEXIST: file already exists"), { code: "EEXIST" });
    fs.renameSync(from, to);
  };
  const utimesSync: typeof fs.utimesSync = (...args) => {
    if (system.touches) fs.utimesSync(...args);
  };
  return { ...fs, renameSync, utimesSync };
});

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
  Object.assign(system, { replacesFolders: true, renames: true, touches: true });
});
afterEach(() => folder.remove());

const purpose = { what: "at work", where: "here" };

test("an abandoned lock is taken over where no folder is renamed onto another one", () => {
  system.replacesFolders = false;
  const path = join(folder.path, ".lock");
  mkdirSync(path);
  writeFileSync(join(path, "stale"), "");
  ProcessLock.take(path, purpose)[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});

test("a lock that nobody can take is an error, not an endless loop", () => {
  system.renames = false;
  const path = join(folder.path, ".lock");
  expect(() => ProcessLock.take(path, purpose)).toThrow(
    expect.objectContaining({ code: "run", where: path }),
  );
  expect(readdirSync(folder.path)).toEqual([]);
});

test.each([true, false])("a holder promises a heartbeat where others can see it: %s", (touches) => {
  system.touches = touches;
  const path = join(folder.path, ".lock");
  using _ = ProcessLock.take(path, purpose);
  const [token = ""] = readdirSync(path);
  expect("heartbeat" in JSON.parse(readFileSync(join(path, token), "utf8"))).toBe(touches);
});
