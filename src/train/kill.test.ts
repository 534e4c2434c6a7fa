import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deriveSeed } from "../data/derive-seed.ts";
import { readEvents } from "../run/read-events.ts";
import { readStatus } from "../run/status.ts";
import { runChild } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { elementAt } from "../util/elements.ts";
import { Random } from "../util/random.ts";
import { findNewestValid, listCheckpoints } from "./checkpoints/read-checkpoint.ts";

const child = new URL("testing/run-child.ts", import.meta.url);
const lastStep = 24;
/** About as many files change in a whole run of the child. */
const fileChanges = 400;
/** By this change a run has its first checkpoint. */
const firstCheckpoint = 120;

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** The final checkpoint without what may differ: the time it took. */
function finalOf(run: string) {
  const last = elementAt(
    listCheckpoints(join(run, "checkpoints")).filter(({ step }) => step === lastStep),
    0,
  );
  const { seconds: _, ...state } = JSON.parse(readFileSync(join(last.path, "state.json"), "utf8"));
  const { "state.json": __, ...files } = JSON.parse(
    readFileSync(join(last.path, "manifest.json"), "utf8"),
  ).files;
  return { state, files };
}

async function finish(kind: string, path: string) {
  expect(await runChild(child, path, kind, "none")).toMatchObject({
    code: 0,
    stdout: "finished",
    stderr: "",
  });
  return finalOf(path);
}

test.each([
  ["full", 3],
  ["lora", 3],
  ["scalora", 3],
  ["scalora-i", 3],
  ["scalora with base split", 1],
  ["scalora with policy svd", 1],
  ["lora with sgd", 1],
  ["scalora-i on a Llama", 1],
])(
  "%s: killed at random file changes and resumed in fresh processes, a run ends bit for bit the same",
  async (kind, kills) => {
    const path = join(folder.path, "killed");
    const random = new Random(deriveSeed(kind));
    let valid = 0;
    for (let kill = 1; kill <= kills; kill++) {
      // The last kill leaves a checkpoint behind: without one the resume would be a new start and show nothing.
      const least = kill === kills ? firstCheckpoint : 10;
      const changes = least + random.integerBelow(fileChanges / kills + 10 - least);
      const result = await runChild(child, path, kind, "kill", String(changes));
      expect(result).toMatchObject({ signal: "SIGKILL", stderr: "" });
      // The newest valid checkpoint never gets older.
      const newest = findNewestValid(join(path, "checkpoints"))?.entry.step ?? 0;
      expect(newest).toBeGreaterThanOrEqual(valid);
      valid = newest;
    }
    expect(valid).toBeGreaterThan(0);
    expect(await finish(kind, path)).toEqual(await finish(kind, join(folder.path, "whole")));
  },
  120_000,
);

test("a full disk stops the run with the last good checkpoint intact, and the resume ends the same", async () => {
  const path = join(folder.path, "full");
  const result = await runChild(child, path, "lora", "full", "190");
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/cannot be written|could not be written/);
  expect(result.stderr).toMatch(/ENOSPC/);
  expect(findNewestValid(join(path, "checkpoints"))?.broken).toEqual([]);
  expect(await finish("lora", path)).toEqual(await finish("lora", join(folder.path, "whole")));
}, 120_000);

test("a process that exits in the middle of a run leaves a record that says so, and the run resumes", async () => {
  const path = join(folder.path, "left");
  expect(await runChild(child, path, "lora", "exit", "5")).toMatchObject({ code: 130, stderr: "" });
  const message = "the process exited without saving (exit code 130)";
  expect(readStatus(path)).toMatchObject({ state: "stopped", step: 5, message });
  expect(readEvents(path).at(-1)).toMatchObject({ type: "end", step: 5, reason: "stopped", message });
  expect(existsSync(join(path, ".lock"))).toBe(false);
  expect(await finish("lora", path)).toEqual(await finish("lora", join(folder.path, "whole")));
}, 120_000);
