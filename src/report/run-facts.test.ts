import { expect, test } from "vitest";
import type { RunEvent } from "../run/events.ts";
import { modelName } from "./model-name.ts";
import { runFacts, runGroups } from "./run-facts.ts";

test.each([
  [
    "/home/a/.cache/huggingface/hub/models--HuggingFaceTB--SmolLM2-135M/snapshots/9f2c0",
    "HuggingFaceTB/SmolLM2-135M",
  ],
  ["/x/models--a--b/snapshots/12/small-Q8_0.gguf", "a/b/small-Q8_0.gguf"],
  ["/home/a/.cache/scalora/models/SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct"],
  ["/home/a/.cache/scalora/models/tiny/0123456789abcdef", "tiny"],
  ["assets/tiny", "tiny"],
])("%s is called %s", (path, name) => {
  expect(modelName(path)).toBe(name);
});

const events: RunEvent[] = [
  {
    type: "start",
    step: 0,
    totalSteps: 4,
    method: "lora",
    model: { path: "/cache/tiny", family: "llama", layers: 2, hiddenSize: 8, vocabSize: 9 },
    parameters: { trainable: 10, all: 1000 },
    data: {
      files: [{ path: "/far/away/train.jsonl", sha256: "x", format: "chat", rows: 1200 }],
      dropped: [{ source: "train.jsonl:3", reason: "no text" }],
      rows: 1100,
      truncated: 0,
    },
    environment: { device: "cpu", seed: 7 },
  },
  {
    type: "step",
    step: 1,
    loss: 1,
    lr: 1,
    gradNorm: 1,
    clipped: false,
    tokens: 100,
    labelTokens: 50,
    seconds: 0.5,
    memory: 2 ** 30,
  },
];

test("facts name the model, not its path, and how far the run is", () => {
  const facts = new Map(runFacts(events).map(({ label, value }) => [label, value]));
  expect(facts.get("Model")).toBe("tiny (llama, 2 layers)");
  expect(facts.get("Trainable")).toBe("10 of 1,000 (1.0 %)");
  expect(facts.get("Steps")).toBe("1 of 4");
});

test("data, speed, machine and settings are groups", () => {
  const groups = new Map(
    runGroups(
      events,
      "train:\n  lr: 1e-4\n  steps: 4\nadapter: {scale: {horizon: 5}}\ndata: {train: [{path: a.jsonl}, {path: b, weight: 2}], drop: []}\n",
    ).map(({ title, facts }) => [title, Object.fromEntries(facts.map(({ label, value }) => [label, value]))]),
  );
  expect(groups.get("Data")).toEqual({
    Files: "train.jsonl (chat, 1,200 rows)",
    "Training rows": "1,100",
    "Dropped rows": "1: no text",
  });
  expect(groups.get("Speed, time and memory")).toMatchObject({
    "Tokens per second": "200",
    "Peak memory": "1.00 GiB",
  });
  expect(groups.get("Machine and versions")).toEqual({ Device: "cpu", Seed: "7" });
  expect(groups.get("Settings: train")).toEqual({ lr: "0.0001", steps: "4" });
  expect(groups.get("Settings: data")).toEqual({ train: 'a.jsonl, {"path":"b","weight":2}', drop: "[]" });
  expect(groups.get("Settings: adapter")).toEqual({ "scale.horizon": "5" });
});

test("a recipe that is none has no settings", () => {
  for (const text of ["&a {b: *a}", ": : :", "", "3"]) expect(runGroups([], text)).toEqual([]);
});

test("the peak memory of a run of 200,000 steps is told, without steps that have none", () => {
  const long = Array.from({ length: 200_000 }, (_, i): RunEvent => {
    const memory = i === 0 ? Number.NaN : 2 ** (i % 31);
    return {
      type: "step",
      step: i + 1,
      loss: 1,
      lr: 1,
      gradNorm: 1,
      clipped: false,
      tokens: 100,
      labelTokens: 50,
      seconds: 0.5,
      memory,
    };
  });
  const [speed] = runGroups(long);
  expect(speed?.facts).toContainEqual({ label: "Peak memory", value: "1.00 GiB" });
});
