import { join } from "node:path";
import { z } from "zod";
import { isRecord } from "../util/json.ts";
import { isRunning } from "../util/locks/process-identity.ts";
import { assertKnownVersion, parseOptional, readOptional, runFiles } from "./run-files.ts";
import { count } from "./schema-fields.ts";

const number = () => z.number().nullable();

const processSchema = z.object({
  pid: z.int().describe("Process id"),
  host: z.string().describe("Host name"),
  startTime: z.string().nullable().describe("Start time in the operating system's units; null when unknown"),
});

/** What `status.json` holds. */
export const statusSchema = z.object({
  version: count().optional().describe("Version of the format; absent in older runs: 1"),
  state: z
    .enum(["starting", "running", "paused", "finished", "stopped", "failed"])
    .describe("State of the run; it stays as it was when the process dies"),
  method: z.string().describe("Name of the training method"),
  model: z.string().describe("Path of the base model"),
  step: count().describe("Optimiser steps done"),
  totalSteps: count().describe("Steps of the whole run"),
  loss: number().describe("Loss of the last step, as in its event"),
  evalLoss: number().describe("Loss of the last evaluation"),
  bestEvalLoss: number().describe("Loss of the best evaluation after the first step"),
  bestScore: number()
    .optional()
    .describe("Score of that evaluation, when the data's task has metrics; absent in older runs"),
  bestStep: count().nullable().describe("Step of that evaluation"),
  lr: number().describe("Learning rate of the last step"),
  tokensPerSecond: number().describe("Running mean of the speed"),
  memory: number().describe("Memory in bytes, as in the step event"),
  remaining: number().describe("Estimated seconds to the end, from the speed of the last steps"),
  message: z.string().nullable().describe("Why it stopped or failed"),
  process: processSchema.describe("The process that wrote this"),
  startedAt: z.string().describe("Start of the run, ISO 8601"),
  updatedAt: z.string().describe("Time of writing, ISO 8601"),
});

/** A status as read from the file, with its process and times. */
export type RecordedStatus = z.output<typeof statusSchema>;

/** The present status of a run. Numbers are null until they are known. */
export type RunStatus = Omit<RecordedStatus, "version" | "process" | "startedAt" | "updatedAt">;

export type RunState = RunStatus["state"];

/**
 * The status of a run.
 * @param path the run's folder
 * @returns undefined when there is no readable status
 * @throws ScaloraError `format` when a newer version wrote it
 */
export function readStatus(path: string): RecordedStatus | undefined {
  const file = join(path, runFiles.status);
  const value = parseOptional(readOptional(file) ?? "");
  if (isRecord(value) && typeof value["version"] === "number") assertKnownVersion(value["version"], file);
  return statusSchema.safeParse(value).data;
}

/** Whether the run's process is still alive. */
export function isActive(status: RecordedStatus): boolean {
  return isUnfinished(status) && isRunning(status.process);
}

/** The state of a run; `interrupted` when its process died without recording an end. */
export function effectiveState(status: RecordedStatus): RunState | "interrupted" {
  return isUnfinished(status) && !isActive(status) ? "interrupted" : status.state;
}

/** Whether a run has not recorded its end. */
export const isUnfinished = ({ state }: RecordedStatus): boolean =>
  ["starting", "running", "paused"].includes(state);
