import type { RunEvent, StartEvent } from "../../run/events.ts";
import { RunFolder } from "../../run/run-folder.ts";
import type { RunStatus } from "../../run/status.ts";

// Runs as training would record them, without a model.

const totalSteps = 1000;

export const recipe = "adapter:\n  method: scalora-i\n  rank: 8\ntrain:\n  lr: 0.0001\n";

const start: StartEvent = {
  type: "start",
  step: 0,
  task: "causal-lm",
  totalSteps,
  method: "scalora-i",
  model: {
    path: "/cache/models/SmolLM2-135M",
    family: "llama",
    layers: 30,
    hiddenSize: 576,
    vocabSize: 49152,
  },
  parameters: { trainable: 4800, all: 134_515_008 },
  data: {
    heldOut: 45,
    rows: 855,
    files: [{ path: "/far/train.jsonl", sha256: "x", format: "chat", rows: 900 }],
  },
  environment: { device: "cpu", seed: 0 },
};

const prompt = "Turn into JSON: parcel 4711 is late";
const expected = '{"order": 4711}';

export const firstEvents: readonly RunEvent[] = [
  { type: "warning", step: 0, message: "train.jsonl: the column id is not used" },
  start,
  { type: "sample", step: 0, prompt, output: "Sure!", expected },
];

const lossAt = (step: number) => 0.5 + 2.5 * Math.exp(-step / 60);

/** The events of one step, from 1. */
export function stepEvents(step: number): RunEvent[] {
  const loss = lossAt(step);
  const events: RunEvent[] = [
    {
      type: "step",
      step,
      loss,
      lr: 1e-4,
      gradNorm: 1,
      clipped: false,
      tokens: 400,
      labelTokens: 200,
      seconds: 0.5,
      memory: 2 ** 30,
    },
  ];
  if (step % 10 === 1)
    events.push({ type: "eval", step, loss: loss + 0.1, labelTokens: 3600, best: step > 1, seconds: 1 });
  if (step % 10 === 5)
    events.push({
      type: "method",
      step,
      report: { kind: "scaling", alpha: [0.5, 1, 2], beta: [0.6, 1.1, 1.9], columnSteps: 40 + step },
    });
  return events;
}

export function statusAt(step: number, state: RunStatus["state"]): RunStatus {
  const loss = lossAt(step);
  return {
    state,
    method: "scalora-i",
    model: start.model.path,
    step,
    totalSteps,
    loss,
    evalLoss: loss + 0.1,
    bestEvalLoss: loss + 0.1,
    bestStep: step,
    lr: 1e-4,
    tokensPerSecond: 800,
    memory: 2 ** 30,
    remaining: 60,
    message: null,
  };
}

/** The folder of a run that has finished after some steps. */
export function finishedRun(path: string, steps: number): void {
  const run = RunFolder.create(path, recipe);
  for (const event of firstEvents) run.append(event);
  for (let step = 1; step <= steps; step += 1) for (const event of stepEvents(step)) run.append(event);
  run.append({ type: "end", step: steps, reason: "finished", seconds: 60 });
  run.append({ type: "sample", step: steps, prompt, output: expected, expected });
  run.append({ type: "rank", step: steps, layers: [{ path: "q_proj", rank: 12, entropyRank: 7.5 }] });
  run.writeStatus(statusAt(steps, "finished"));
  run.close();
}
