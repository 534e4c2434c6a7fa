import { z } from "zod";
import { analysisEvent } from "./analysis-event.ts";
import { methodReportSchema } from "./method-report.ts";
import { profileEvent } from "./profile-event.ts";
import { count, real } from "./schema-fields.ts";
import { startEvent } from "./start-event.ts";

const stepsDone = () => count().describe("Optimiser steps done");

const stepEvent = z
  .object({
    type: z.literal("step"),
    step: z.int().min(1).describe("Number of the step, from 1"),
    loss: real().describe(
      "Mean loss over the labels of all micro-batches, before the update: cross entropy in nats, or squared error for a regression",
    ),
    lr: real().describe("Learning rate"),
    gradNorm: real().describe("Global gradient norm before clipping"),
    clipped: z.boolean().describe("Whether the gradients were clipped"),
    tokens: count().describe("Tokens in the step"),
    labelTokens: count().describe("Labels in the step: tokens, or rows for a classification"),
    seconds: real().describe("Duration in seconds, without evaluation, analysis and checkpoints"),
    memory: real().describe("Resident memory of the process in bytes; the memory of a GPU is not part of it"),
  })
  .describe("After each optimiser step.");

const evalEvent = z
  .object({
    type: z.literal("eval"),
    step: stepsDone(),
    loss: real().describe("Mean loss over the labels of the held-out rows, in the unit of a step's loss"),
    labelTokens: count().describe("Labels of the held-out rows"),
    accuracy: real().optional().describe("Classification: fraction of rows classified correctly"),
    metrics: z.record(z.string(), real()).optional().describe("Metrics of the data's task, by name"),
    score: real().optional().describe("Mean of the metrics named in `scoredBy`"),
    scoredBy: z
      .array(z.string())
      .optional()
      .describe("Names of the metrics that make the score; absent: all of them"),
    best: z
      .boolean()
      .describe(
        "Whether this is the best evaluation so far: the highest score, the lowest loss among equal scores or without any",
      ),
    seconds: real().describe("Duration in seconds"),
  })
  .describe(
    "After each evaluation on the held-out rows: before the first step, every `train.evalEvery` steps, at the end.",
  );

const methodEvent = z
  .object({
    type: z.literal("method"),
    step: z.int().min(1).describe("The step that it belongs to"),
    report: methodReportSchema.describe("What happened"),
  })
  .describe(
    "After the `step` event, when the method acted at that step: a scaling event, a restart. A method from a plug-in may report other fields, or these with their types.",
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
          entropyRank: real().describe("exp of the entropy of the squared singular values"),
        }),
      )
      .describe("The adapted layers"),
  })
  .describe("Rank of the accumulated change, after `end`, when computing it takes only seconds.");

const checkpointEvent = z
  .object({
    type: z.literal("checkpoint"),
    step: stepsDone(),
    path: z.string().describe("Relative to the run's folder"),
    reason: z
      .enum(["interval", "best", "end", "stop", "request"])
      .describe("`interval`: `train.saveEvery`, or by time; `request`: requested by `control.json`"),
  })
  .describe("After each saved checkpoint.");

const sampleEvent = z
  .object({
    type: z.literal("sample"),
    step: stepsDone(),
    prompt: z.string().describe("The prompt"),
    output: z.string().describe("The model's continuation"),
    expected: z
      .string()
      .optional()
      .describe(
        "The reference answer, up to as many tokens as an output may have; absent for prompts of the recipe, and in older runs",
      ),
  })
  .describe("A generated text: after the first `start`, and again after `end`.");

const warningEvent = z
  .object({
    type: z.literal("warning"),
    step: stepsDone(),
    message: z.string().describe("Text of the warning"),
  })
  .describe("A problem that does not stop the run.");

const pauseEvent = z.object({ type: z.literal("pause"), step: stepsDone() }).describe("The run was paused.");

const continueEvent = z
  .object({ type: z.literal("continue"), step: stepsDone() })
  .describe("The run continues after a pause.");

const resumeEvent = z
  .object({
    type: z.literal("resume"),
    step: count().describe("Step of the checkpoint"),
    checkpoint: z.string().describe("Relative to the run's folder"),
  })
  .describe(
    "The run resumes from a checkpoint, in another process; written before the `start` of that process.",
  );

const endEvent = z
  .object({
    type: z.literal("end"),
    step: stepsDone(),
    reason: z
      .enum(["finished", "early", "stopped", "failed"])
      .describe("`early`: no better evaluation within `train.patience` evaluations"),
    message: z.string().optional().describe("Why it stopped or failed"),
    systemError: z
      .string()
      .optional()
      .describe("Code of the system's error that made it fail, such as `ENOSPC`: the run was not to blame"),
    seconds: real().describe("Time of training, evaluation and saving over all resumes, in seconds"),
  })
  .describe("When a process stops training the run.");

/** The first line of a record: the format version of the lines that follow. It is not an event; without it the version is 1. */
export const formatLine = z.object({
  type: z.literal("format"),
  step: count().describe("0"),
  version: z.int().min(1).describe("Version of the lines that follow"),
});

/** The schema of each event type: the only definition of the fields of a line of `events.jsonl`, apart from its time. */
export const eventSchemas = {
  start: startEvent,
  step: stepEvent,
  eval: evalEvent,
  method: methodEvent,
  rank: rankEvent,
  analysis: analysisEvent,
  profile: profileEvent,
  checkpoint: checkpointEvent,
  sample: sampleEvent,
  warning: warningEvent,
  pause: pauseEvent,
  continue: continueEvent,
  resume: resumeEvent,
  end: endEvent,
};

/** The name of a type of event, as `events.jsonl` has it. */
export type EventType = keyof typeof eventSchemas;

/** One line of `events.jsonl`, without its time. */
export type RunEvent = z.output<(typeof eventSchemas)[EventType]>;

/** An event as read from the file; `time` is ISO 8601. */
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
export function eventsOfType<E extends { readonly type: string }, T extends E["type"]>(
  events: readonly E[],
  type: T,
): Extract<E, { type: T }>[] {
  return events.filter((event): event is Extract<E, { type: T }> => event.type === type);
}
