import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const runs = { scalora: "", lora: "", full: "" };

beforeAll(async () => {
  writeTinyProject(scratch.path);
  const analysis = { every: 4 };
  runs.scalora = await trainTiny(scratch.path, "scalora", "float32", { analysis });
  runs.full = await trainTiny(scratch.path, "full", "float32", { analysis });
  runs.lora = await trainTiny(scratch.path, "lora");
});
afterAll(scratch.remove);

test("a recorded ScaLoRA run has every figure, as JSON, as tables and on a page", async () => {
  const live = liveTensorCount();
  const result = await scaloraJson("analyze", runs.scalora);
  expect(result).toMatchObject({ method: "scalora", hint: null, cost: { records: 4 } });
  expect(result.end.step).toBe(12);
  expect(result.end.layers).toHaveLength(14);
  expect(result.end.rank).toBeGreaterThan(3);
  expect(result.records.map(({ step }: { step: number }) => step)).toEqual([2, 4, 8, 12]);
  const last = result.records.at(-1);
  // The last step is a recorded one, and so small a layer is decomposed exactly.
  expect(last.change.rank.mean).toBeCloseTo(result.end.rank, 10);
  expect(last.change.entropyRank).toBeCloseTo(result.end.entropyRank, 6);
  expect(last.gradient).toMatchObject({ layers: 14, enough: expect.any(Number) });
  const { unscaled, chosen, optimum } = last.scaling.distance;
  expect(optimum).toBeLessThan(chosen);
  expect(chosen).toBeLessThan(unscaled);
  expect(Object.keys(last.scaling.branches)).toEqual(["run", "default", "paper", "scalar"]);
  expect(result.events.map(({ step }: { step: number }) => step)).toEqual([
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ]);
  expect(result.events[0]).toMatchObject({ normGrowth: null, growthOverNoise: null });
  for (const [index, event] of result.events.slice(1, -1).entries()) {
    expect(event.columnSteps).toBeGreaterThan(0);
    expect(Math.abs(event.normGrowth)).toBeLessThan(0.5);
    expect(event.growthOverNoise).not.toBe(0);
    expect(event.nextLoss).toBe(result.events[index + 2].loss);
  }

  const { code, stdout, stderr } = await runScalora("analyze", runs.scalora);
  expect([code, stderr]).toEqual([0, ""]);
  for (const says of [
    /accumulated change \(Fig\. 2b\)[\s\S]*12, exact/,
    /full gradient against 2r \(Fig\. 2c\)/,
    /\(Fig\. 2d\)[\s\S]*as this run did[\s\S]*policy paper/,
    /Factors α/,
    /optimum \(Theorem 3\.2\)/,
    /events tell about the scale\n.*ρ +k +ν +E +loss.*\n2 +[\d.]+ +[\d.]+ +– +–/,
    /Cost of the analysis\n.*\n4 +[\d.]+ s +[\d.]+ %/,
  ])
    expect(stdout).toMatch(says);
  const page = readFileSync(join(runs.scalora, "analysis.html"), "utf8");
  for (const title of ["(Fig. 2b)", "(Fig. 2c)", "(Fig. 2d)", "Factors of scaling events", "layer by layer"])
    expect(page).toContain(title);
  expect(liveTensorCount()).toBe(live);
});

test("a run without a record has its exact ranks, and is told how to record the rest", async () => {
  const { stdout } = await runScalora("analyze", runs.lora);
  expect(stdout).toMatch(/12, exact +2 +2 +2[\s\S]*run\.analysis\.every=50/);
  expect(stdout).not.toMatch(/2c|2d|Cost|about the scale/);
});

test("full fine-tuning has ranks of change and gradient, and no 2r", async () => {
  const result = await scaloraJson("analyze", runs.full);
  expect(result.records.at(-1)).toMatchObject({
    layers: 15,
    gradient: { layers: 15, enough: null, share: null },
    scaling: null,
  });
  expect(result.end.rank).toBeGreaterThan(4);
});

test("of a step with several micro-batches φ is told", async () => {
  const recipe = at("halves.yaml");
  writeFileSync(
    recipe,
    JSON.stringify({
      model: { path: at("model") },
      adapter: { method: "scalora-i", rank: 2 },
      data: { train: at("train.jsonl"), eval: "none" },
      train: { steps: 3, batchSize: 2, accumulate: 3, warmup: 0, lr: 0.01, saveEvery: 3 },
      run: { name: "halves", folder: at("runs"), analysis: { every: 2 } },
    }),
  );
  expect(await runScalora("train", recipe)).toMatchObject({ code: 0 });
  const { records } = await scaloraJson("analyze", at("runs", "halves"));
  const { signal } = records[0].gradient;
  expect(signal).toBeGreaterThan(-1);
  expect(signal).toBeLessThan(1);
  expect(signal).not.toBe(0);
  const { stdout } = await runScalora("analyze", at("runs", "halves"));
  expect(stdout).toMatch(/φ, mean\n2 .* -?[\d.e-]+\n/);
});

test("layers are chosen by a pattern, and the page goes where it is asked to", async () => {
  const page = at("page.html");
  const result = await scaloraJson("analyze", runs.scalora, "--layers", "q_proj", "--out", page);
  expect(result.end.layers).toHaveLength(2);
  expect(result.records[0].layers).toBe(2);
  expect(readFileSync(page, "utf8")).toContain("layers.1.self_attn.q_proj");
  const again = await runScalora("analyze", runs.scalora, "--out", page);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("already exists")]);
});

/** A copy of the recorded run, changed. */
function broken(name: string, change: (folder: string) => void): string {
  const folder = at(name);
  cpSync(runs.scalora, folder, { recursive: true });
  change(folder);
  return folder;
}

function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

test("what cannot be analysed is said", async () => {
  const cases: [args: string[], fields: object][] = [
    [["analyze", at("model")], { where: at("model"), found: "a folder without it" }],
    [
      ["analyze", at("runs", "scalora-float31")],
      { found: "no folder", fix: expect.stringContaining("scalora-float32?") },
    ],
    [["analyze", runs.scalora, "--layers", "q_prj"], { where: "--layers", fix: 'did you mean "q_proj"?' }],
    [
      [
        "analyze",
        broken("stopped", (folder) =>
          rewrite(join(folder, "status.json"), (text) => text.replace('"finished"', '"stopped"')),
        ),
      ],
      { found: "stopped, step 12 of 12", fix: expect.stringContaining("--resume") },
    ],
    [
      [
        "analyze",
        broken("killed", (folder) =>
          rewrite(join(folder, "status.json"), (text) => text.replace('"finished"', '"running"')),
        ),
      ],
      { found: "interrupted, step 12 of 12", fix: expect.stringContaining("--resume") },
    ],
    [
      ["analyze", broken("no-status", (folder) => rmSync(join(folder, "status.json")))],
      { found: "no status" },
    ],
    [
      [
        "analyze",
        broken("no-checkpoint", (folder) => rmSync(join(folder, "checkpoints"), { recursive: true })),
      ],
      { where: at("no-checkpoint", "checkpoints"), found: "last" },
    ],
    [
      [
        "analyze",
        broken("damaged", (folder) =>
          rewrite(join(folder, "events.jsonl"), (text) => text.replace('"entropyRank":', '"entropyRnk":')),
        ),
      ],
      {
        where: expect.stringMatching(/events\.jsonl:\d+: analysis\.layers\.0\.change\.entropyRank$/),
        found: "nothing",
      },
    ],
  ];
  for (const [args, fields] of cases) {
    const result = await runScalora(...args);
    expect(result.stdout).toBe("");
    expect(printedFailure(result)).toMatchObject({ code: 2, ...fields });
  }
});
