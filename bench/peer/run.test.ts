import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runChild } from "../../src/testing/child-process.ts";
import { compare } from "./compare.ts";
import { peerPython } from "./environment.ts";
import { readResults, withRow, writeResults } from "./results.ts";
import { askOurs, checkedOf, writeTinyJob } from "./testing/ask-ours.ts";
import { measuredRow } from "./testing/measured-row.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = (...args: string[]) => runChild(new URL("run.ts", import.meta.url), ...args);

test("rows that were measured before are only shown again, without Python", async () => {
  const file = join(folder, "results.json");
  writeResults(file, withRow(readResults(file), "rows", measuredRow()));
  const { code, stdout } = await run("S-float32-1", "--out", folder, "--python", "/nowhere/python");
  expect({ code, table: stdout.includes("| S, a random Llama |") }).toEqual({ code: 0, table: true });
  expect(readFileSync(join(folder, "table.md"), "utf8")).toBe(stdout);
  expect(readFileSync(join(folder, "speed.svg"), "utf8")).toMatch(/^<svg/);
});

test("an unknown row and a Python without the packages end it before anything runs", async () => {
  expect(await run("L", "--out", folder)).toMatchObject({ code: 2, stdout: "" });
  await expect(peerPython("/nowhere/python")).rejects.toMatchObject({
    code: "setup",
    what: expect.stringContaining("transformers=="),
    found: "/nowhere/python",
  });
});

test("our side gives the loss and the gradients of its first batch without changing anything, then trains", async () => {
  const job = await writeTinyJob(folder);
  const [first, second, warm, time] = await askOurs(["check", "check", "warm", "time"], job, folder);
  expect([first, second, warm, time].map((each) => each?.losses.length)).toEqual([1, 1, 1, 2]);
  expect(compare(checkedOf(first), checkedOf(second))).toMatchObject({ loss: 0, gradient: 0 });
  expect(warm?.losses[0]).toBe(first?.losses[0]);
  expect(time?.losses[1]).toBeLessThan(checkedOf(first).loss);
});
