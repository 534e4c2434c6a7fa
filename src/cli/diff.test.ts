import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import type { RunEvent } from "../run/events.ts";
import { RunFolder } from "../run/run-folder.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (name: string) => join(scratch.path, name);
afterAll(scratch.remove);

interface RunParts {
  lr?: number;
  losses: number[];
  libtorch?: string;
  hash?: string;
  sha256?: string;
  memory?: number;
}

/** Writes a run folder as training does. */
function writeRun(
  name: string,
  { lr = 1, losses, libtorch = "2", hash = "m", sha256 = "d", memory = 2048 }: RunParts,
) {
  mkdirSync(scratch.path, { recursive: true });
  const recipe = { train: { lr, betas: [0.9, 0.999] }, adapter: { method: "lora" }, run: { name } };
  using folder = RunFolder.create(at(name), stringify(recipe));
  const counts = { tokens: 100, labelTokens: 50 };
  const events: RunEvent[] = [
    {
      type: "start",
      step: 0,
      totalSteps: losses.length,
      model: { path: "m", family: "llama", layers: 1, hiddenSize: 8, vocabSize: 9, hash },
      method: "lora",
      parameters: { trainable: 1, all: 2 },
      data: { files: [{ path: `/x/${name}/a.jsonl`, sha256, format: "text", rows: 9 }], rows: 9 },
      environment: { libtorch, threads: 2, seed: 0, estimatedMemory: lr },
    },
    ...losses.map((loss, i) => ({
      type: "step" as const,
      step: i + 1,
      loss,
      lr,
      gradNorm: 1,
      clipped: false,
      seconds: 0.5,
      ...counts,
      memory,
    })),
    { type: "eval", step: losses.length, loss: 2, labelTokens: 5, best: true, seconds: 1 },
    { type: "end", step: losses.length, reason: "finished", seconds: 9 },
  ];
  for (const event of events) folder.append(event);
}

beforeAll(() => {
  writeRun("a", { losses: [3, 2, 1] });
  writeRun("same", { losses: [3, 2, 1] });
  writeRun("b", { lr: 2, losses: [3, 2.5, Number.NaN, 1], libtorch: "3", sha256: "e", memory: 4096 });
});

test("two runs of one recipe are equal, but for their names", async () => {
  const difference = await scaloraJson("diff", at("a"), at("same"));
  expect(difference).toMatchObject({ recipe: [], versions: [], machine: [], model: [], data: [] });
  expect(difference.losses).toEqual({ common: 3, first: null, largest: null });
  const { stdout } = await runScalora("diff", at("a"), at("same"));
  expect(stdout).toMatch(/^recipe +equal$/m);
  expect(stdout).toContain("losses  equal, bit by bit, in 3 steps");
});

test("what differs is named, with the first step whose losses do", async () => {
  const difference = await scaloraJson("diff", at("a"), at("b"));
  expect(difference).toMatchObject({
    recipe: [{ key: "train.lr", values: [1, 2] }],
    versions: [{ key: "libtorch", values: ["2", "3"] }],
    machine: [],
    model: [],
    data: [{ key: "file.a.jsonl", values: ["d", "e"] }],
    losses: {
      common: 3,
      first: { step: 2, values: [2, 2.5] },
      largest: { step: 2, difference: 0.5 },
    },
  });
  expect(difference.results).toContainEqual({ name: "steps", values: [3, 4] });
  expect(difference.results).toContainEqual({ name: "peak memory in bytes", values: [2048, 4096] });
  expect(difference.results).toContainEqual({ name: "tokens per second", values: [200, 200] });
  const { stdout } = await runScalora("diff", at("a"), at("b"));
  expect(stdout).toMatch(/^recipe: train\.lr +1 +2$/m);
  expect(stdout).toMatch(/^peak memory +2\.00 KiB +4\.00 KiB$/m);
  expect(stdout).toContain("losses  differ from step 2 on: 2 and 2.5\n");
});

test("a folder without a run is refused", async () => {
  const { code, stderr } = await runScalora("diff", at("a"), at("sam"));
  expect(code).toBe(2);
  expect(stderr).toMatch(/holds no run[\s\S]*did you mean .*same\?/);
});
