import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseRecipe } from "../config/index.ts";
import { eventsOfType, type RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { setThreads } from "../torch/index.ts";
import { runTraining } from "./run-training.ts";

const scratch = temporaryFolder();
beforeAll(() => {
  setThreads(1);
  writeTinyProject(scratch.path);
});
afterAll(scratch.remove);

const recipe = (name: string) =>
  parseRecipe(
    {
      model: { path: "model", device: "cpu" },
      adapter: { method: "lora", rank: 2 },
      data: { train: "train.jsonl", eval: { holdOut: 8 } },
      train: { steps: 4, batchSize: 4, lr: 1e-2 },
      run: { name, reportTo: ["mlflow", "tensorboard"], samples: 0 },
    },
    { cwd: scratch.path },
  );

/** The losses of MLflow's metric file for the run, by step. */
function trackedLosses(): [number, number][] {
  const [experiment = ""] = readdirSync(join(scratch.path, "runs", "mlruns"));
  const runs = join(scratch.path, "runs", "mlruns", experiment);
  const [run = ""] = readdirSync(runs).filter((name) => name !== "meta.yaml");
  const text = readFileSync(join(runs, run, "metrics", "train", "loss"), "utf8");
  const lines = text.trimEnd().split("\n");
  return lines.map((line) => [Number(line.split(" ")[2]), Number(line.split(" ")[1])]);
}

test("trackers have each step once after a resume", async () => {
  const stopping = new AbortController();
  const onEvent = ({ type, step }: RunEvent) => {
    if (type === "step" && step === 2) stopping.abort();
  };
  await runTraining(recipe("tracked"), { signal: stopping.signal, onEvent });
  expect(trackedLosses().map(([step]) => step)).toEqual([1, 2]);
  const { signal } = new AbortController();
  const { folder } = await runTraining(recipe("tracked"), { signal, onEvent: () => {}, resume: true });
  const steps = eventsOfType(readEvents(folder), "step");
  expect(trackedLosses()).toEqual(steps.map(({ step, loss }) => [step, loss]));
  expect(steps).toHaveLength(4);
});

test("a tracker that cannot be written does not stop the run", async () => {
  rmSync(join(scratch.path, "runs", "mlruns"), { recursive: true, force: true });
  writeFileSync(join(scratch.path, "runs", "mlruns"), "in the way");
  const seen: RunEvent[] = [];
  const { signal } = new AbortController();
  await runTraining(recipe("hindered"), { signal, onEvent: (event) => seen.push(event) });
  expect(eventsOfType(seen, "warning").map(({ message }) => message)).toEqual([
    expect.stringContaining("mlflow"),
  ]);
  expect(eventsOfType(seen, "end")).toMatchObject([{ reason: "finished", step: 4 }]);
});
