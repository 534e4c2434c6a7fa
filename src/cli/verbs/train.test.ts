import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Recipe } from "../../config/index.ts";
import type { RunResult, RunTraining } from "../../recipes/run-result.ts";
import type { RunEvent } from "../../run/events.ts";
import { refusal } from "../../testing/refusal.ts";
import { runVerb, testContext } from "../testing/terminal.ts";
import { addTrain } from "./train.ts";

let folder = "";
let recipePath = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-train-"));
  mkdirSync(join(folder, "model"));
  writeFileSync(join(folder, "a.jsonl"), "{}\n");
  recipePath = join(folder, "tiny.yaml");
  const yaml = `model: {path: ${folder}/model}\nadapter: {method: lora}\ndata: {train: ${folder}/a.jsonl}\n`;
  writeFileSync(recipePath, yaml);
  mkdirSync(join(folder, "runs/moved"), { recursive: true });
  writeFileSync(join(folder, "runs/moved/config.yaml"), `${yaml}run: {name: old, folder: /elsewhere}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const result: RunResult = {
  task: "causal-lm",
  folder: "runs/tiny-lora",
  reason: "finished",
  step: 2,
  totalSteps: 2,
  loss: 1.5,
  evalLoss: 2,
  evalStep: 2,
  bestEvalLoss: 2,
  bestScore: null,
  bestStep: 2,
  parameters: { trainable: 10, all: 1000 },
  checkpoint: "runs/tiny-lora/checkpoints/step-000002",
  seconds: 3,
  analysisSeconds: null,
  divergence: null,
  collapsed: false,
  alreadyFinished: false,
};

const events: RunEvent[] = [
  {
    type: "start",
    step: 0,
    totalSteps: 2,
    model: { path: "m", family: "llama", layers: 2, hiddenSize: 8, vocabSize: 99 },
    method: "lora",
    parameters: { trainable: 10_000, all: 1_000_000 },
    data: { rows: 1200, tokens: 34_000, labelTokens: 5000 },
    environment: {
      device: "cpu",
      dtype: "float32",
      gemmBackend: "oneDNN",
      threads: 2,
      estimatedMemory: 2 ** 30,
      checkpointBytes: 825 * 2 ** 20,
    },
  },
  ...[1, 2].map((step) => ({
    type: "step" as const,
    step,
    loss: 2.5 - step,
    lr: 1e-3,
    gradNorm: 1,
    clipped: false,
    tokens: 500,
    labelTokens: 100,
    seconds: 0.25,
    memory: 2 ** 20,
  })),
  { type: "eval", step: 2, loss: Math.log(10), labelTokens: 50, best: true, seconds: 1 },
  { type: "checkpoint", step: 2, path: "checkpoints/step-000002", reason: "end" },
  { type: "warning", step: 2, message: "two rows are dropped" },
  { type: "end", step: 2, reason: "finished", seconds: 3 },
];

/** Runs `scalora train` over a training that reports the events and returns the result. */
async function train(args: string[], outcome: Partial<RunResult> = {}, terminal = {}) {
  const { context, stdout, stderr } = testContext(terminal);
  const calls: { recipe: Recipe; resume: boolean | undefined }[] = [];
  const trainAsRank: RunTraining = async (recipe, { onEvent, resume }) => {
    calls.push({ recipe, resume });
    for (const event of events) onEvent(event);
    return { ...result, ...outcome };
  };
  await runVerb((program) => addTrain(program, context, async () => ({ trainAsRank })), ["train", ...args]);
  return { context, stdout: stdout.text, stderr: stderr.text, calls };
}

test("a held-out loss that is older than the run's end is said to be", async () => {
  const { stdout } = await train([recipePath], { reason: "stopped", evalStep: 0 });
  expect(stdout).toMatch(/held-out loss +2\.0000 \(perplexity 7\.39\) at step 0, the last evaluation/);
  expect((await train([recipePath])).stdout).toMatch(/held-out loss +2\.0000 \(perplexity 7\.39\)\n/);
});

test("the result goes to stdout, progress to stderr", async () => {
  const { stdout, stderr, calls, context } = await train([recipePath, "--set", "train.lr=0.5"]);
  expect(calls[0]?.recipe.train.lr).toBe(0.5);
  expect(calls[0]?.resume).toBe(false);
  expect(context.exitCode).toBe(0);
  expect(stdout).toMatch(/held-out loss +2\.0000 \(perplexity 7\.39\)/);
  expect(stdout).not.toContain("step 1/2");
  expect(stderr).toMatch(/parameters +10,000 trainable of 1,000,000 \(1\.00 %\)/);
  expect(stderr).toMatch(/GEMM backend +oneDNN/);
  expect(stderr).toMatch(/data +1,200 rows, 34,000 tokens, 5,000 trained on/);
  expect(stderr).toMatch(/memory +about 1\.00 GiB/);
  expect(stderr).toMatch(/checkpoints +825\.0 MiB each/);
  expect(stderr).toMatch(/step 1\/2 {2}loss 1\.5000 {2}lr 1\.00e-3 {2}2,000 tok\/s {2}1\.00 MiB {2}ETA \d/);
  expect(stderr).toContain("step 2  held-out loss 2.3026  perplexity 10.00  best so far");
  expect(stderr).toContain("warning: two rows are dropped");
});

test("--json prints the result alone", async () => {
  const { stdout } = await train([recipePath, "--json"]);
  expect(JSON.parse(stdout)).toEqual(result);
});

test("--resume takes the run's own recipe, also after its folder was moved", async () => {
  const { calls } = await train(["--resume", join(folder, "runs/moved")]);
  expect(calls[0]?.resume).toBe(true);
  expect(calls[0]?.recipe.run).toMatchObject({ folder: join(folder, "runs"), name: "moved" });
});

test("a stopped run says how to go on", async () => {
  const { stdout } = await train([recipePath], { reason: "stopped" }, { isTTY: true, columns: 30 });
  expect(stdout).toMatch(/\nresume with:\n {2}npx scalora train --resume runs\/tiny-lora\n$/);
});

test("a run that ended worse than it began says so, and fails on request", async () => {
  const outcome = { divergence: "held-out loss 2.1000 before training, 10.8000 at the end" };
  const { stdout, context } = await train([recipePath], outcome);
  expect(stdout).toMatch(/WORSE +ended worse than it began: held-out loss 2\.1000 .* 10\.8000 at the end/);
  expect(context.exitCode).toBe(0);
  expect((await train([recipePath, "--fail-on-divergence"], outcome)).context.exitCode).toBe(1);
  expect((await train([recipePath, "--fail-on-divergence"])).context.exitCode).toBe(0);
});

test("what recording for the analysis took is said, where anything was recorded", async () => {
  expect((await train([recipePath], { analysisSeconds: 0.06 })).stdout).toMatch(
    /analysis +0\.06 s of it, 2\.00 %/,
  );
  expect((await train([recipePath])).stdout).not.toContain("analysis");
});

test.each([
  { args: [], refused: refusal("usage", { message: "recipe" }) },
  { args: ["x.yaml", "--resume", "runs/a"], refused: refusal("usage", { message: "--resume" }) },
  {
    args: ["--resume", "runs/a", "--set", "train.lr=1"],
    refused: refusal("usage", { message: "--resume" }),
  },
  { args: ["none.yaml"], refused: refusal("config", { message: "does not exist" }) },
])("refused: train $args", async ({ args, refused }) => {
  await expect(train(args)).rejects.toThrow(refused);
});

test("--silence in one process has no effect, and a note says so", async () => {
  const { stderr } = await train([recipePath, "--silence", "60"]);
  expect(stderr).toContain("--silence is for several processes");
  expect((await train([recipePath])).stderr).not.toContain("--silence");
});
