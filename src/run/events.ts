import { z } from "zod";
import { analysisEvent } from "./analysis-event.ts";
import { count, real } from "./fields.ts";
import { methodReportSchema } from "./method-report.ts";
import { startEvent } from "./start-event.ts";

const stepsDone = () => count().describe("Optimiser steps done");

const stepEvent = z
  .object({
    type: z.literal("step"),
    step: z.int().min(1).describe("Number of the step, from 1"),
    loss: real().describe(
      "Mean loss over the labels of all micro-batches, before the step: cross entropy in nats, of a regression squared error",
    ),
    lr: real().describe("Learning rate"),
    gradNorm: real().describe("Global gradient norm before clipping"),
    clipped: z.boolean().describe("Whether the gradients were clipped"),
    tokens: count().describe("Tokens of the step"),
    labelTokens: count().describe("Labels of the step: tokens, or rows of a classification"),
    seconds: real().describe("Duration in seconds, without evaluation, analysis and checkpoints"),
    memory: real().describe("Resident memory in bytes; on a GPU, device memory in use"),
  })
  .describe("After each optimiser step.");

const evalEvent = z
  .object({
    type: z.literal("eval"),
    step: stepsDone(),
    loss: real().describe("Mean loss over the labels of the held-out rows, as of a step"),
    labelTokens: count().describe("Labels of the held-out rows"),
    accuracy: real().optional().describe("Classification: fraction of rows that get the right class"),
    metrics: z.record(z.string(), real()).optional().describe("Metrics of a task's data, by name"),
    score: real().optional().describe("Mean of the metrics"),
    best: z
      .boolean()
      .describe("Whether it is the best so far: the highest score, or the lowest loss where there is none"),
    seconds: real().describe("Duration in seconds"),
  })
  .describe(
    "After each evaluation on the held-out rows: before the first step, every `train.evalEvery` steps, at the end.",
  );

const methodEvent = z
  .object({
    type: z.literal("method"),
    step: z.int().min(1).describe("The step at which it happened"),
    report: methodReportSchema.describe("What happened"),
  })
  .describe(
    "After the `step` event of a step at which the method did something of its own: a scaling event, a restart. A method from outside reports what it likes, under other names than these or with their types.",
  );

const rankEvent = z
  .object({
    type: z.literal("rank"),
    step: stepsDone(),
    layers: z
      .array(
        z.object({
          path: z.string().describe("Name of the layer"),
          rank: count().describe("Singular values above 1 % of the largest"),
          entropyRank: real().describe("exp of the entropy of their squares"),
        }),
      )
      .describe("The adapted layers"),
  })
  .describe("Rank of the accumulated change, after `end`, where that takes few seconds.");

const checkpointEvent = z
  .object({
    type: z.literal("checkpoint"),
    step: stepsDone(),
    path: z.string().describe("Relative to the run's folder"),
    reason: z
      .enum(["interval", "best", "end", "stop", "request"])
      .describe("`interval`: `train.saveEvery`; `request`: asked by `control.json`"),
  })
  .describe("After a checkpoint was saved.");

const sampleEvent = z
  .object({
    type: z.literal("sample"),
    step: stepsDone(),
    prompt: z.string().describe("What the model was given"),
    output: z.string().describe("How it went on"),
  })
  .describe("A generated text: after the first `start`, and again after `end`.");

const warningEvent = z
  .object({
    type: z.literal("warning"),
    step: stepsDone(),
    message: z.string().describe("A sentence for a person"),
  })
  .describe("When something should be known, but the run goes on.");

const pauseEvent = z.object({ type: z.literal("pause"), step: stepsDone() }).describe("The run was paused.");

const continueEvent = z
  .object({ type: z.literal("continue"), step: stepsDone() })
  .describe("The run goes on after a pause.");

const resumeEvent = z
  .object({
    type: z.literal("resume"),
    step: count().describe("Step of the checkpoint"),
    checkpoint: z.string().describe("Relative to the run's folder"),
  })
  .describe("The run goes on from a checkpoint, in another process; written before its `start`.");

const endEvent = z
  .object({
    type: z.literal("end"),
    step: stepsDone(),
    reason: z
      .enum(["finished", "early", "stopped", "failed"])
      .describe("`early`: no better evaluation within `train.patience`"),
    message: z.string().optional().describe("Why it stopped or failed"),
    seconds: real().describe("Time of training, evaluation and saving over all resumes, in seconds"),
  })
  .describe("When a process ends its work on the run.");

/** The first line of a record: the version of the lines that follow. It is no event; without it they are of version 1. */
export const formatLine = z.object({
  type: z.literal("format"),
  step: count().describe("0"),
  version: z.int().min(1).describe("Version of the lines that follow"),
});

/** Every event by its type: the one definition of what a line of `events.jsonl` holds beside its time. */
export const eventSchemas = {
  start: startEvent,
  step: stepEvent,
  eval: evalEvent,
  method: methodEvent,
  rank: rankEvent,
  analysis: analysisEvent,
  checkpoint: checkpointEvent,
  sample: sampleEvent,
  warning: warningEvent,
  pause: pauseEvent,
  continue: continueEvent,
  resume: resumeEvent,
  end: endEvent,
};

export type EventType = keyof typeof eventSchemas;

/** One line of `events.jsonl`, without its time. */
export type RunEvent = z.output<(typeof eventSchemas)[EventType]>;

/** A line as it is read back; `time` is ISO 8601. */
export type RecordedEvent = RunEvent & { time: string };

export type StartEvent = z.output<typeof startEvent>;
export type StepEvent = z.output<typeof stepEvent>;
export type EvalEvent = z.output<typeof evalEvent>;
export type MethodEvent = z.output<typeof methodEvent>;
export type RankEvent = z.output<typeof rankEvent>;
export type AnalysisEvent = z.output<typeof analysisEvent>;
export type CheckpointEvent = z.output<typeof checkpointEvent>;
export type SampleEvent = z.output<typeof sampleEvent>;

/** The events of one type, in order. */
export function eventsOfType<E extends RunEvent, T extends E["type"]>(
  events: readonly E[],
  type: T,
): Extract<E, { type: T }>[] {
  return events.filter((event): event is Extract<E, { type: T }> => event.type === type);
}
