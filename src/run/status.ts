import { join } from "node:path";
import { z } from "zod";
import { isRecord } from "../util/json.ts";
import { count } from "./fields.ts";
import { isRunning, processSchema } from "./processes.ts";
import { assertKnownVersion, parseOptional, readOptional, runFiles } from "./run-files.ts";

const number = () => z.number().nullable();

/** What `status.json` holds. */
export const statusSchema = z.object({
  version: count().optional().describe("Version of the format; absent in older runs: 1"),
  state: z
    .enum(["starting", "running", "paused", "finished", "stopped", "failed"])
    .describe("Where the run stands; a run whose process is gone keeps the state it had"),
  method: z.string().describe("Name of the training method"),
  model: z.string().describe("Path of the base model"),
  step: count().describe("Optimiser steps done"),
  totalSteps: count().describe("Steps of the whole run"),
  loss: number().describe("Loss of the last step, as in its event"),
  evalLoss: number().describe("Loss of the last evaluation"),
  bestEvalLoss: number().describe("Loss of the best evaluation after the first step"),
  bestScore: number().optional().describe("Score of that evaluation, of a task's data; absent in older runs"),
  bestStep: count().nullable().describe("Its step"),
  lr: number().describe("Learning rate of the last step"),
  tokensPerSecond: number().describe("Running mean of the speed"),
  memory: number().describe("Memory in bytes, as of a step"),
  remaining: number().describe("Seconds to the end, as the last steps went"),
  message: z.string().nullable().describe("Why it stopped or failed"),
  process: processSchema.describe("The process that wrote this"),
  startedAt: z.string().describe("When the run was begun, ISO 8601"),
  updatedAt: z.string().describe("When this was written, ISO 8601"),
});

/** A status as it is read back, with who wrote it and when. */
export type RecordedStatus = z.output<typeof statusSchema>;

/** Where the run stands now. Numbers are null until they are known. */
export type RunStatus = Omit<RecordedStatus, "version" | "process" | "startedAt" | "updatedAt">;

export type RunState = RunStatus["state"];

/**
 * The status of a run.
 * @param path the run's folder
 * @returns undefined when there is none, or what is there cannot be read
 * @throws ScaloraError `format` when a newer version wrote it
 */
export function readStatus(path: string): RecordedStatus | undefined {
  const file = join(path, runFiles.status);
  const value = parseOptional(readOptional(file) ?? "");
  if (isRecord(value) && typeof value["version"] === "number") assertKnownVersion(value["version"], file);
  return statusSchema.safeParse(value).data;
}

/** Whether a run's process still works on it. */
export function isActive(status: RecordedStatus): boolean {
  return isUnfinished(status) && isRunning(status.process);
}

/** Where a run stands; `interrupted` where its process is gone without having said how it ended. */
export function effectiveState(status: RecordedStatus): RunState | "interrupted" {
  return isUnfinished(status) && !isActive(status) ? "interrupted" : status.state;
}

const isUnfinished = ({ state }: RecordedStatus) => ["starting", "running", "paused"].includes(state);
