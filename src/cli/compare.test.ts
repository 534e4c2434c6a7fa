import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { parseRecipe } from "../config/index.ts";
import { runTraining } from "../recipes/run-training.ts";
import { readEvents } from "../run/read-events.ts";
import { readStatus } from "../run/status.ts";
import { runChild } from "../testing/child-process.ts";
import { writeTinySentimentProject } from "../testing/tiny-bert.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { setThreads } from "../torch/index.ts";
import { ProcessLock } from "../util/locks/process-lock.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => {
  setThreads(1);
  writeTinySentimentProject(scratch.path);
  writeFileSync(
    at("recipe.yaml"),
    stringify({
      model: { path: at("bert"), labels: ["blame", "praise"], device: "cpu" },
      adapter: { method: "scalora-i", rank: 2, interval: 5, targetModules: ["query", "value"] },
      data: { train: at("train.jsonl"), eval: at("test.jsonl") },
      train: { steps: 20, batchSize: 8, evalEvery: 10 },
    }),
  );
});

const compare = (...args: string[]) =>
  runChild(
    new URL("testing/run-main.ts", import.meta.url),
    ...["compare", at("recipe.yaml"), "--out", at("out"), "--json", ...args],
  );

/** What each step of a cell's run trained on. */
const batchesOf = (cell: string) =>
  readEvents(at("out", "runs", cell)).flatMap((event) =>
    event.type === "step" ? [[event.step, event.tokens, event.labelTokens]] : [],
  );

/** Leaves the cell of seed 1 as a kill does: some steps, a checkpoint, and the status of a process that is gone. */
async function cutShort(cell: string, step: number): Promise<void> {
  const folder = at("out", "runs", cell);
  const other = readFileSync(join(folder.replace(/1$/, "0"), "config.yaml"), "utf8");
  const config = other.replaceAll("seed0", "seed1").replace("seed: 0", "seed: 1");
  const stop = new AbortController();
  await runTraining(parseRecipe(parse(config)), {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === "step" && event.step === step) stop.abort("test");
    },
  });
  writeFileSync(join(folder, "config.yaml"), config);
  const status = readStatus(folder) ?? expect.fail("no status");
  const killed = { ...status, state: "running", process: { ...status.process, pid: 0 } };
  writeFileSync(join(folder, "status.json"), JSON.stringify(killed));
}

test("compare trains each method at each rate, repeats the best on other seeds, and runs nothing twice", async () => {
  const rates = ["--lrs", "lora=0.001,0.02", "--lrs", "full=0.01", "--jobs", "2"];
  const first = await compare("--methods", "lora,full", "--seeds", "0", ...rates);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr).toContain("4 of 4");
  const { rows, tuningSeeds, remark } = JSON.parse(first.stdout);
  expect(tuningSeeds).toEqual([1000]);
  expect(remark).toContain("chosen on seed 1000, which does not count");
  expect(rows).toMatchObject([
    {
      setting: "lora",
      lr: 0.001,
      figure: "loss",
      seeds: 1,
      deviation: null,
      edges: [{ key: "lr", next: 5e-5 }],
    },
    { setting: "full", lr: 0.01, seeds: 1, edges: [], sweep: [], difference: { pairs: 1, interval: null } },
  ]);
  expect(readdirSync(at("out", "runs")).sort()).toEqual([
    ...["full-lr0.01-seed0", "lora-lr0.001-seed0", "lora-lr0.001-seed1000", "lora-lr0.02-seed1000"],
  ]);
  expect(rows[0].trainable).toBeLessThan(rows[1].trainable);
  const seconds = readEvents(at("out", "runs", "lora-lr0.001-seed0")).flatMap((event) =>
    event.type === "step" ? [event.seconds] : [],
  );
  expect(rows[0].secondsPerStep).toBeCloseTo(seconds.reduce((sum, each) => sum + each) / 20, 12);

  const batches = batchesOf("lora-lr0.001-seed0");
  expect(batches).toHaveLength(20);
  expect(batchesOf("full-lr0.01-seed0")).toEqual(batches);

  await cutShort("full-lr0.01-seed1", 6);
  const config = at("out", "runs", "lora-lr0.001-seed0", "config.yaml");
  expect(readFileSync(config, "utf8")).not.toContain("interval");
  const written = statSync(config).mtimeMs;
  const second = await compare("--methods", "lora,full", "--seeds", "0,1", ...rates);
  expect(second.code, second.stderr).toBe(0);
  const both = JSON.parse(second.stdout);
  expect(both.rows).toMatchObject([{ seeds: 2 }, { seeds: 2, difference: { pairs: 2 } }]);
  const [low, high] = both.rows[1].difference.interval;
  expect((low + high) / 2).toBeCloseTo(both.rows[1].mean - both.rows[0].mean, 12);
  expect(both.differences).toMatchObject([{ setting: "full", other: "lora", pairs: 2 }]);
  expect(statSync(config).mtimeMs).toBe(written);
  expect(readEvents(at("out", "runs", "full-lr0.01-seed1"))).toContainEqual(
    expect.objectContaining({ type: "resume", step: 6 }),
  );
  const others = batchesOf("full-lr0.01-seed1");
  expect(others).toEqual(batchesOf("lora-lr0.001-seed1"));
  expect(others).not.toEqual(batches);
  const lines = readFileSync(at("out", "results.jsonl"), "utf8").trim().split("\n");
  expect(lines).toHaveLength(6);
  const ofFirstSeed = lines.map((line) => JSON.parse(line)).filter(({ seed }) => seed === 0);
  expect(new Set(ofFirstSeed.map(({ data, model }) => `${data} ${model}`)).size).toBe(1);
  expect(ofFirstSeed[0].data).toMatch(/^[0-9a-f]{64} [0-9a-f]{64}$/);
  expect(ofFirstSeed[0].model).toMatch(/^[0-9a-f]{64}$/);
  const report = readFileSync(at("out", "report.html"), "utf8");
  expect(report).toContain("The methods compared");
  expect(report).toContain("chosen on seed 1000, which does not count");

  const repeat = at("out", "runs", "full-lr0.01-seed1", "config.yaml");
  writeFileSync(repeat, readFileSync(repeat, "utf8").replace("steps: 20", "steps: 19"));
  const mixed = await compare("--methods", "full", "--seeds", "0,1", ...rates.slice(2));
  expect(printedFailure(mixed)).toMatchObject({ code: 2, expected: "steps: 20", found: "steps: 19" });

  const changed = await compare(
    "--methods",
    "lora",
    "--seeds",
    "0",
    "--lrs",
    "0.001",
    "--set",
    "train.steps=21",
  );
  expect(printedFailure(changed)).toMatchObject({ code: 2, expected: "steps: 21", found: "steps: 20" });

  const beside = await compare("--methods", "lora+rank=999,lora", "--seeds", "0", "--lrs", "0.001");
  expect(beside.code, beside.stderr).toBe(1);
  const { rows: kept, missing, failed } = JSON.parse(beside.stdout);
  expect(kept).toMatchObject([{ setting: "lora", lr: 0.001 }]);
  expect(missing).toEqual(["lora+rank=999"]);
  expect(failed).toMatchObject([{ message: expect.stringContaining("Rank 999 is above the rank") }]);
}, 300_000);

test("a comparison of which every run is refused fails with the settings' errors and their exit code", async () => {
  const refused = await compare("--methods", "lora+rank=998,lora+rank=999", "--seeds", "0", "--lrs", "0.001");
  expect(printedFailure(refused)).toMatchObject({
    code: 2,
    where: "bert.encoder.layer.0.attention.self.query",
  });
  expect(refused.stderr).toContain("error: lora+rank=998: Rank 998 is above the rank");
  expect(refused.stderr).toMatch(/^lora\+rank=999: Rank 999 is above the rank/m);
  expect(refused.stderr).not.toContain("--lrs");
}, 300_000);

test("a plan's problems are printed together, by its keys", async () => {
  writeFileSync(
    at("plan.yaml"),
    "recipes: [recipe.yaml]\nsettings:\n  a: { method: lroa }\n  b: { method: lora, adapter: { rank: 0 } }\nseeds: []\n",
  );
  const { code, stderr } = await runScalora("compare", at("plan.yaml"));
  expect(code).toBe(2);
  for (const says of [
    "has 3 problems",
    "settings.a.method",
    "settings.b.adapter.rank",
    "seeds: wrong value",
    "plan.yaml:4",
  ])
    expect(stderr).toContain(says);
});

test("every setting is checked before anything runs", async () => {
  const result = await compare("--methods", "lora,scalora+rnk=1", "--lrs", "0.01");
  expect(printedFailure(result)).toMatchObject({ code: 2, fix: "did you mean rank?" });
});

test.each([
  [["train.lr=1"], "--lrs"],
  [["data.eval=none", "train={steps: 20}"], "needs held-out rows"],
  [["adapter.rnk=3"], "did you mean rank?"],
])("--set %s is refused before anything runs", async (overrides, says) => {
  const set = overrides.flatMap((override) => ["--set", override]);
  const { code, stderr } = await compare("--methods", "lora", "--lrs", "0.02", ...set);
  expect(code).toBe(2);
  expect(stderr).toContain(says);
});

test.each([
  [["--seeds", "0,1", "--tuning-seeds", "1,2"], { expected: "seeds other than 0, 1", found: "1" }],
  [["--seeds", "1000"], { expected: "seeds other than 1000", found: "1000" }],
  [["--tuning-seeds", "5,x"], { found: "5,x" }],
  [["--tuning-seeds", "5", "--lrs", "lora=0.02"], { found: "one candidate for each setting" }],
])("%j: seeds that cannot choose and count, or have nothing to choose, are refused", async (args, parts) => {
  const result = await runScalora("compare", at("recipe.yaml"), "--methods", "lora", ...args);
  expect(printedFailure(result)).toMatchObject({ code: 2, ...parts });
});

test("a rate that is named twice is refused", async () => {
  const result = await runScalora(
    "compare",
    at("recipe.yaml"),
    "--methods",
    "lora",
    "--lrs",
    "lora=1e-3,0.001",
  );
  expect(printedFailure(result)).toMatchObject({ code: 2, found: "lora=1e-3,0.001" });
});

test("a plan of which one setting has no result has the others' table, and the exit code of failed runs", async () => {
  writeFileSync(
    at("plan.yaml"),
    "recipes: [recipe.yaml]\nsettings:\n  a: { method: lora, adapter: { rank: 999 } }\n  b: { method: lora, lr: 0.001 }\n",
  );
  const args = ["compare", at("plan.yaml"), "--out", at("plan"), "--seeds", "0,1", "--set", "train.steps=2"];
  const plan = await runChild(new URL("testing/run-main.ts", import.meta.url), ...args);
  expect(plan.code, plan.stderr).toBe(1);
  expect(plan.stdout).toMatch(/^setting +chosen +recipe +mean$/m);
  expect(plan.stdout).toMatch(/^b +0\.001 +\d\.\d{4} ± 0\.\d{4}/m);
  expect(plan.stdout).toContain("recipe: a has no result");
  expect(readFileSync(at("plan", "report.html"), "utf8")).toContain("a has no result");
}, 300_000);

test("a comparison that another process runs is refused before anything runs", async () => {
  const out = at("held");
  using _ = ProcessLock.take(join(out, ".lock"), { what: "running this comparison", where: out });
  const { code, stderr } = await runScalora(
    ...["compare", at("recipe.yaml"), "--methods", "lora", "--lrs", "0.02", "--out", out],
  );
  expect({ code, stderr }).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("running this comparison"),
  });
  expect(readdirSync(out)).toEqual([".lock"]);
});
