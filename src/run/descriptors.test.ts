import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openFiles as openFilesAnywhere } from "../testing/open-files.ts";
import { RunFolder } from "./run-folder.ts";

/** Whether the system refuses to write the next events. */
const disk = vi.hoisted(() => ({ full: false }));
vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs")>();
  const writeSync = (...args: unknown[]) => {
    if (disk.full) throw new Error("ENOSPC: no space left on device");
    return Reflect.apply(fs.writeSync, fs, args);
  };
  return { ...fs, writeSync };
});

let parent = "";
beforeEach(() => {
  disk.full = false;
  parent = mkdtempSync(join(tmpdir(), "scalora-run-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** Those of the runs: a thread that just starts, as a heartbeat's, has files of its own open. */
const openFiles = () => openFilesAnywhere().filter((path) => path.startsWith(parent));

test.skipIf(process.platform !== "linux")("a run folder leaves no file open (needs /proc)", () => {
  const before = openFiles();
  for (let turn = 0; turn < 20; turn++) {
    const path = join(parent, `run-${turn}`);
    {
      using run = RunFolder.create(path, "x");
      expect(openFiles()).toHaveLength(before.length + 1);
      run.append({ type: "pause", step: turn });
    }
    const again = RunFolder.open(path);
    again.close();
    again[Symbol.dispose]();
  }
  expect(openFiles()).toEqual(before);
});

test.skipIf(process.platform !== "linux")("nor where it fails halfway (needs /proc)", () => {
  RunFolder.create(join(parent, "run"), "x").close();
  writeFileSync(join(parent, "run", "events.jsonl"), '{"cut');
  const before = openFiles();
  disk.full = true;
  for (let turn = 0; turn < 5; turn++) {
    expect(() => RunFolder.open(join(parent, "run"))).toThrow(expect.objectContaining({ code: "run" }));
    expect(() => RunFolder.create(join(parent, `new-${turn}`), "x")).toThrow(
      expect.objectContaining({ code: "run" }),
    );
  }
  expect(openFiles()).toEqual(before);
});
