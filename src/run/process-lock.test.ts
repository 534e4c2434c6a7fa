import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { currentProcess, isGone, isRunning } from "./process-identity.ts";
import { ProcessLock } from "./process-lock.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const purpose = { what: "at work", where: "here" };
const take = (path: string) => ProcessLock.take(path, purpose);

function plant(path: string, text: string): void {
  mkdirSync(path);
  writeFileSync(join(path, "other"), text);
}
const holder = (changes: object) =>
  JSON.stringify({ ...currentProcess(), since: "2026-01-01T00:00:00.000Z", ...changes });

test("a lock leaves nothing behind, not the folders that were made for it either", () => {
  const path = join(folder.path, "runs", "a", ".lock");
  const lock = take(path);
  expect(readdirSync(join(folder.path, "runs", "a"))).toEqual([".lock"]);
  lock[Symbol.dispose]();
  lock[Symbol.dispose]();
  expect(readdirSync(folder.path)).toEqual([]);
});

test("folders that something else has come into stay", () => {
  const path = join(folder.path, "runs", "a", ".lock");
  const lock = take(path);
  writeFileSync(join(folder.path, "runs", "note"), "mine");
  lock[Symbol.dispose]();
  expect(readdirSync(join(folder.path, "runs"))).toEqual(["note"]);
});

test("a lock of this process is held too, and is free once it is released", () => {
  const path = join(folder.path, ".lock");
  {
    using _ = take(path);
    expect(() => take(path)).toThrow(
      expect.objectContaining({
        code: "usage",
        where: "here",
        found: expect.stringMatching(`^process ${process.pid},`),
      }),
    );
    expect(readdirSync(folder.path)).toEqual([".lock"]);
  }
  take(path)[Symbol.dispose]();
});

test("a lock of another host is held, and the error says what to do when that is gone", () => {
  const path = join(folder.path, ".lock");
  plant(path, holder({ pid: 7, host: "elsewhere" }));
  expect(() => take(path)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining("Another process is at work"),
      found: "process 7 on elsewhere, since 2026-01-01T00:00:00.000Z",
      fix: expect.stringContaining(`remove ${path} `),
    }),
  );
  expect(readdirSync(folder.path)).toEqual([".lock"]);
});

test.each([
  ["whose process id is another process's by now", holder({ startTime: "earlier" })],
  ["without start time, whose process is gone", holder({ pid: 2 ** 22 + 1, startTime: null })],
  ["that a power cut has emptied", ""],
])("a lock %s is taken over", (_, text) => {
  const path = join(folder.path, ".lock");
  plant(path, text);
  using _lock = take(path);
  expect(existsSync(join(path, "other"))).toBe(false);
});

test("the former holder's release leaves the lock of the one who has taken it over", () => {
  const path = join(folder.path, ".lock");
  const lock = take(path);
  const [token = ""] = readdirSync(path);
  writeFileSync(join(path, token), holder({ startTime: "earlier" }));
  using _ = take(path);
  lock[Symbol.dispose]();
  expect(readdirSync(path)).toHaveLength(1);
});

test("a file in the lock's place is the system's error", () => {
  writeFileSync(join(folder.path, ".lock"), "");
  expect(() => take(join(folder.path, ".lock"))).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
  expect(readdirSync(folder.path)).toEqual([".lock"]);
});

test.skipIf(process.platform !== "linux")(
  "a folder that takes nothing is the system's error (needs /proc)",
  () => {
    expect(() => take("/proc/.lock")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  },
);

test.skipIf(process.platform !== "linux")(
  "a process that has ended is gone, even while its parent has not noticed (needs /proc)",
  () => {
    const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
    const pid = child.pid ?? 0;
    const stat = () =>
      readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /s, "")
        .split(" ");
    const boot = currentProcess().startTime?.split(" ")[0];
    const identity = { pid, host: hostname(), startTime: `${boot} ${stat()[19]}` };
    expect([isGone(identity), isRunning(identity)]).toEqual([false, true]);
    process.kill(pid, "SIGKILL");
    // Node takes note of the end only when it returns to its event loop.
    while (stat()[0] !== "Z");
    expect([isGone(identity), isRunning(identity)]).toEqual([true, false]);
  },
);
