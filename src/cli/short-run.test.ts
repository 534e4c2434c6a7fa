import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEvents } from "../run/read-events.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { setThreads } from "../torch/index.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => {
  setThreads(1);
  writeTinyProject(scratch.path);
});

test("a short run evaluates before and after its steps, and saves once", async () => {
  const recipe = {
    model: { path: at("model"), device: "cpu" },
    adapter: { method: "lora", rank: 2 },
    data: { train: at("train.jsonl"), eval: { holdOut: 8 } },
    train: { steps: 12, batchSize: 4, lr: 1e-2 },
    run: { name: "short", folder: at("runs"), samples: 0 },
  };
  writeFileSync(at("recipe.yaml"), JSON.stringify(recipe));
  const { code, stderr } = await runScalora("train", at("recipe.yaml"));
  expect(code, stderr).toBe(0);
  const steps = (type: string) =>
    readEvents(at("runs", "short")).flatMap((event) => (event.type === type ? [event.step] : []));
  expect({ eval: steps("eval"), checkpoint: steps("checkpoint") }).toEqual({
    eval: [0, 12],
    checkpoint: [12],
  });
  expect(readdirSync(at("runs", "short", "checkpoints"))).toEqual(["step-000012"]);
});
