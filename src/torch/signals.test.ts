import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runsTypeScript } from "../testing/child-process.ts";

test("signals during matrix products leave memory intact", () => {
  // V8's profiler sends a signal at every tick. Without native/operators/signals.h the heap is corrupt within a second, and the
  // process aborts.
  const folder = mkdtempSync(join(tmpdir(), "profile-"));
  const profiler = ["--cpu-prof", "--cpu-prof-interval=200", `--cpu-prof-dir=${folder}`];
  const program = fileURLToPath(new URL("testing/matmul-under-signals.ts", import.meta.url));
  const { status, signal, stderr } = spawnSync(process.execPath, [...profiler, ...runsTypeScript, program], {
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
});
