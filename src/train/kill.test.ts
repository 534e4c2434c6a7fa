import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { runChild } from "../testing/child.js";
import { temporaryFolder } from "../testing/tiny-run.js";
import { Random } from "../util/random.js";
import { listCheckpoints, newestValid } from "./checkpoints/load.js";

const child = new URL("testing/run-child.ts", import.meta.url);
const lastStep = 24;

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** The final checkpoint without what may differ: the time it took. */
function finalOf(run: string) {
  const [last] = listCheckpoints(join(run, "checkpoints")).filter(({ step }) => step === lastStep);
  const { seconds: _, ...state } = JSON.parse(readFileSync(join(last.path, "state.json"), "utf8"));
  const { "state.json": __, ...files } = JSON.parse(
    readFileSync(join(last.path, "manifest.json"), "utf8"),
  ).files;
  return { state, files };
}

/** What the run comes to when nothing happens to it. */
let expected: ReturnType<typeof finalOf>;
beforeAll(async () => {
  const { path: parent, remove } = temporaryFolder();
  const path = join(parent, "whole");
  expect(await runChild(child, path, "none")).toMatchObject({ code: 0, stdout: "finished", stderr: "" });
  expected = finalOf(path);
  remove();
});

test("killed at random file changes and resumed in fresh processes, a run ends bit for bit the same", async () => {
  const path = join(folder.path, "killed");
  const random = new Random(5);
  let kills = 0;
  let valid = 0;
  for (let done = false; !done; ) {
    const result = await runChild(child, path, kills < 6 ? "kill" : "none", String(10 + random.below(260)));
    done = result.signal === null;
    if (done) expect(result).toMatchObject({ code: 0, stdout: "finished", stderr: "" });
    else kills++;
    // The newest valid checkpoint never gets older.
    const newest = newestValid(join(path, "checkpoints"))?.entry.step ?? 0;
    expect(newest).toBeGreaterThanOrEqual(valid);
    valid = newest;
  }
  expect(kills).toBe(6);
  expect(finalOf(path)).toEqual(expected);
}, 180_000);

test("a full disk stops the run with the last good checkpoint intact, and the resume ends the same", async () => {
  const path = join(folder.path, "full");
  const result = await runChild(child, path, "full", "190");
  expect(result.code).toBe(1);
  expect(result.stderr).toMatch(/cannot be written|could not be written/);
  expect(result.stderr).toMatch(/ENOSPC/);
  expect(newestValid(join(path, "checkpoints"))?.broken).toEqual([]);
  expect(await runChild(child, path, "none")).toMatchObject({ code: 0, stdout: "finished", stderr: "" });
  expect(finalOf(path)).toEqual(expected);
}, 120_000);
