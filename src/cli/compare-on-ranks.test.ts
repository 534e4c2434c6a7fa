import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readStatus } from "../run/status.ts";
import { runChild } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { areRunning, startTwoRanks } from "../testing/two-ranks.ts";
import { printedFailure } from "./testing/printed-failure.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => {
  writeTinyProject(scratch.path);
  const recipe = {
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "lora", rank: 2 },
    data: { train: at("train.jsonl"), eval: { holdOut: 8 } },
    train: { steps: 3, batchSize: 4, lr: 1e-2 },
    run: { folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
});

/** The folder of a test's comparisons. */
let folder = "";
beforeEach(() => {
  folder = scratch.fresh("comparisons");
});

const compare = (out: string, ...words: string[]) =>
  runChild(
    program,
    ...words,
    ...["compare", at("recipe.yaml"), "--methods", "lora", "--lrs", "1e-2", "--seeds", "0,1"],
    ...["--out", join(folder, out), "--json"],
  );

test("the runs of a comparison are shared out between processes, and its table is the same", async () => {
  const alone = await compare("alone");
  expect(alone.code, alone.stderr).toBe(0);
  const together = await compare("together", "launch", "--nproc", "2");
  expect(together.code, together.stderr).toBe(0);
  expect(together.stderr).not.toContain("[rank 1]");
  const [row] = JSON.parse(alone.stdout).rows;
  expect(JSON.parse(together.stdout).rows).toMatchObject([{ results: row.results, mean: row.mean }]);
}, 120_000);

test("a signal to one process stops the comparison on all, after their steps, and it goes on from there", async () => {
  const words = ["compare", at("recipe.yaml"), "--methods", "lora", "--lrs", "1e-2", "--seeds", "0,1"];
  const args = [...words, "--out", join(folder, "signalled"), "--set", "train.steps=300", "--json"];
  const { ranks, ended } = await startTwoRanks(program, ...args);
  const runs = ["lora-lr0.01-seed0", "lora-lr0.01-seed1"].map((name) =>
    join(folder, "signalled", "runs", name),
  );
  const isEach = (test: (step: number, state: string) => boolean) =>
    runs.map(readStatus).every((status) => status !== undefined && test(status.step, status.state));
  while (!isEach((step) => step > 0) && areRunning(ranks)) await sleep(20);
  ranks[1]?.kill("SIGTERM");
  const [first, second] = await ended;
  expect([first?.end, second?.end], `${first?.stderr}${second?.stderr}`).toEqual([143, 143]);
  expect(first?.stderr).toMatch(/asked to stop\n +where: +rank 1\n +found: .*SIGTERM/);
  expect(isEach((step, state) => step < 300 && state === "stopped")).toBe(true);
  const again = await runChild(program, ...args);
  expect(again.code, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ rows: [{ seeds: 2 }], failed: [] });
  expect(isEach((step, state) => step === 300 && state === "finished")).toBe(true);
}, 120_000);

test("a comparison that rank 0 refuses ends all processes", async () => {
  const refused = await runChild(
    program,
    ...["launch", "--nproc", "2", "compare", at("recipe.yaml"), "--methods", "lora", "--lrs", "1e-2"],
    ...["--out", join(folder, "refused"), "--set", "data.eval=none"],
  );
  const ofFirst = refused.stderr.split("\n").filter((line) => !line.startsWith("[rank"));
  expect(printedFailure({ ...refused, stderr: ofFirst.join("\n") })).toMatchObject({
    code: 2,
    message: "A comparison needs held-out rows",
  });
}, 60_000);
