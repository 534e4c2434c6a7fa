import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { currentPlace, currentProcess } from "./process-identity.ts";
import { ProcessLock } from "./process-lock.ts";

/** What another taker does just before a removal of this one. */
const other = vi.hoisted((): { step: (() => void) | undefined } => ({ step: undefined }));
vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const rmSync: typeof fs.rmSync = (...args) => {
    const { step } = other;
    other.step = undefined;
    step?.();
    fs.rmSync(...args);
  };
  return { ...fs, rmSync };
});

test("whoever finds a lock without a holder, and is overtaken, does not remove the new holder's lock", () => {
  const folder = temporaryFolder();
  const path = join(folder.path, ".lock");
  const purpose = { what: "at work", where: path };
  mkdirSync(path);
  const since = "2026-01-01T00:00:00.000Z";
  const gone = { ...currentProcess(), ...currentPlace(), pid: 2 ** 22 + 1, since };
  writeFileSync(join(path, "stale"), JSON.stringify(gone));
  let first: ProcessLock | undefined;
  other.step = () => {
    first = ProcessLock.take(path, purpose);
  };
  expect(() => ProcessLock.take(path, purpose)).toThrow(expect.objectContaining({ code: "usage" }));
  expect(first).toBeInstanceOf(ProcessLock);
  expect(readdirSync(path)).toHaveLength(1);
  first?.[Symbol.dispose]();
  expect(readdirSync(folder.path)).toEqual([]);
  folder.remove();
});
