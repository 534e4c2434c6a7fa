import { expect, test } from "vitest";
import type { EvalEvent, RunEvent } from "../run/events.ts";
import { runHeadline } from "./headline.ts";

const evaluation = (step: number, loss: number, more: Partial<EvalEvent> = {}): RunEvent => ({
  type: "eval",
  step,
  loss,
  labelTokens: 400,
  best: false,
  seconds: 1,
  ...more,
});

const start = (task: "causal-lm" | "classification" = "causal-lm"): RunEvent => ({
  type: "start",
  step: 0,
  task,
  totalSteps: 50,
  method: "lora",
  model: { path: "m", family: "llama", layers: 2, hiddenSize: 8, vocabSize: 9 },
  parameters: { trainable: 1, all: 2 },
  data: { heldOut: 20 },
  environment: {},
});

const end: RunEvent = { type: "end", step: 50, reason: "finished", seconds: 1 };

const trained = (losses: readonly number[]): RunEvent[] =>
  losses.map((loss, i) => ({
    type: "step",
    step: i + 1,
    loss,
    lr: 1,
    gradNorm: 1,
    clipped: false,
    tokens: 1,
    labelTokens: 1,
    seconds: 1,
    memory: 1,
  }));

test("a loss that fell is told with its perplexity, its rows and what is not known", () => {
  const learnt = [start(), evaluation(0, 3), evaluation(50, 1.5, { best: true })];
  expect(runHeadline(learnt)?.text).toMatch(/^So far the held-out loss fell/);
  const headline = runHeadline([...learnt, end]);
  expect(headline?.tone).toBe("result");
  expect(headline?.text).toBe(
    "The held-out loss fell from 3.000 (perplexity 20.1) to 1.500 (perplexity 4.48) in 50 steps",
  );
  expect(headline?.certainty).toMatch(/20 rows with 400 label tokens.*few.*One run with one seed/);
});

test("a run that was better before its end says where", () => {
  const events = [start(), evaluation(0, 3), evaluation(20, 1, { best: true }), evaluation(50, 2), end];
  expect(runHeadline(events)?.text).toMatch(/to 1\.000 .* by step 20; it was 2\.000 .* at step 50$/);
});

test("a run that ends no better than it began is a warning", () => {
  const headline = runHeadline([start(), evaluation(0, 3), evaluation(50, 3.5, { best: true }), end]);
  expect(headline).toMatchObject({ tone: "warning" });
  expect(headline?.text).toMatch(/^Nothing was learnt in 50 steps/);
  expect(runHeadline(trained([1, Number.NaN]))).toMatchObject({ tone: "warning" });
});

test("what a run warned about at its end is its headline", () => {
  const worse: RunEvent = { type: "warning", step: 50, message: "the run ended worse than it began" };
  const earlier: RunEvent = { type: "warning", step: 3, message: "unchanged" };
  const losses = [evaluation(0, 3), evaluation(20, 2, { best: true }), evaluation(50, 4)];
  expect(runHeadline([start(), earlier, ...losses, worse, end])).toMatchObject({
    text: "The run ended worse than it began",
    tone: "warning",
  });
  expect(runHeadline([start(), earlier, ...losses, end])?.tone).toBe("result");
});

test("a failed run says why", () => {
  const failed: RunEvent = { type: "end", step: 7, reason: "failed", message: "no memory", seconds: 1 };
  expect(runHeadline([start(), evaluation(0, 3), failed])).toMatchObject({
    text: "The run failed at step 7: no memory",
    certainty: "What it had saved can be resumed.",
    tone: "warning",
  });
  const message = "no memory\n  found:    1 GiB\n  fix:      a smaller batch";
  expect(runHeadline([start(), { ...failed, message }])).toMatchObject({
    text: "The run failed at step 7: no memory",
    certainty: "found:    1 GiB\nfix:      a smaller batch\nWhat it had saved can be resumed.",
  });
});

test("a classifier's score comes with the interval of its accuracy", () => {
  const rows = { labelTokens: 45, best: true };
  const events = [
    start("classification"),
    evaluation(0, 0.7, {
      ...rows,
      accuracy: 0.5,
      score: 0.4,
      metrics: { f1: 0.4, other: 1 },
      scoredBy: ["f1"],
    }),
    evaluation(50, 0.3, {
      ...rows,
      accuracy: 0.9,
      score: 0.8,
      metrics: { f1: 0.8, other: 1 },
      scoredBy: ["f1"],
    }),
    end,
  ];
  const headline = runHeadline(events);
  expect(headline?.text).toBe("The held-out score (f1) rose from 40.0 % to 80.0 % in 50 steps");
  expect(headline?.certainty).toContain("Accuracy 90.0 % (95 % interval");
});

test("held-out rows that were not evaluated twice are not said to be missing", () => {
  for (const events of [[start()], [start(), evaluation(0, 4)]]) {
    const { certainty } = runHeadline([...events, ...trained([4, 3, 2]), end]) ?? {};
    expect(certainty).toMatch(/^The held-out rows were not evaluated twice: /);
    expect(certainty).not.toContain("data.eval");
  }
});

test("without held-out rows only the training loss is told, with what that is worth", () => {
  const headline = runHeadline(trained([4, 3, 2]));
  expect(headline?.text).toBe("The training loss fell from 4.000 to 2.000 in 3 steps");
  expect(headline?.certainty).toMatch(/^No rows were held out: .*data\.eval/);
  expect(runHeadline([])).toBeUndefined();
});
