import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsOfType } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { setThreads } from "../torch/index.ts";
import { runScalora } from "./testing/scalora.ts";

let folder = "";
const at = (...parts: string[]) => join(folder, ...parts);
beforeAll(() => {
  setThreads(1);
  folder = mkdtempSync(join(tmpdir(), "scalora-recompute-"));
  writeTinyProject(folder);
  writeFileSync(
    at("recipe.yaml"),
    `model: {path: ${at("model")}, device: cpu, gemmBackend: aten}
adapter: {method: scalora, rank: 2}
data: {train: ${at("train.jsonl")}, eval: {holdOut: 8}}
train: {steps: 6, batchSize: 4, accumulate: 2, lr: 1e-2}
run: {folder: ${at("runs")}, samples: 0, analysis: {every: 2}}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a run leaves that must not depend on recomputation. */
async function train(recompute: string) {
  const { code, stderr } = await runScalora(
    ...["train", at("recipe.yaml"), "--profile"],
    ...["--set", `run.name=${recompute}`, "--set", `train.recompute=${recompute}`],
  );
  expect(code, stderr).toBe(0);
  const events = readEvents(at("runs", recompute));
  const weights = readFileSync(at("runs", recompute, "checkpoints", "step-000006", "adapters.safetensors"));
  return {
    profiled: eventsOfType(events, "profile").flatMap(({ byOperator }) => byOperator),
    recorded: eventsOfType(events, "start").map(({ environment }) => environment["recompute"]),
    same: {
      weights: weights.toString("hex"),
      steps: eventsOfType(events, "step").map(({ loss, gradNorm }) => [loss, gradNorm]),
      evaluations: eventsOfType(events, "eval").map(({ loss }) => loss),
      layers: eventsOfType(events, "analysis").map(({ layers }) => layers),
    },
  };
}

test("a run that recomputes activations is the same, its analysis too, and its profile has the blocks twice", async () => {
  const plain = await train("auto");
  const recomputed = await train("all");
  expect(recomputed.same).toEqual(plain.same);
  expect(plain.same.layers).toHaveLength(3);
  expect([plain.recorded, recomputed.recorded]).toEqual([[undefined], [true]]);
  const calls = ({ profiled }: typeof plain) =>
    profiled.find(({ name }) => name === "scalora::act_and_mul")?.calls ?? Number.NaN;
  expect(calls(recomputed) / calls(plain)).toBeCloseTo(2, 6);
});
