import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { parseOptional, readOptional } from "../run/run-files.ts";
import { ScaloraError } from "../util/errors.ts";
import { writeOutputFile } from "../util/output-file.ts";
import { readFileText } from "../util/read-file.ts";
import { errorOf, type ProcessHooks } from "./run-process.ts";
import type { TaskScoring } from "./task-scoring.ts";

/** Main metric of each task, from 0 to 1. */
export type TaskScores = Readonly<Record<string, number>>;

const scoresSchema = z.record(z.string(), z.number());

/** What `scalora eval --tasks --json` prints, as far as it is used here. */
const reportSchema = z.object({
  tasks: z.array(z.object({ task: z.string(), metrics: z.array(z.object({ value: z.number() })).min(1) })),
});

const scoresFile = (folder: string) => join(folder, "tasks.json");
const examplesFile = (folder: string) => join(folder, "tasks.jsonl");

/** The scores that a run's model had on tasks; undefined when it was not scored. */
export function readTaskScores(folder: string): TaskScores | undefined {
  const text = readOptional(scoresFile(folder));
  return text === undefined ? undefined : scoresSchema.safeParse(parseOptional(text)).data;
}

const exampleSchema = z.object({
  task: z.string(),
  index: z.int(),
  scores: z.record(z.string(), z.number()),
});

/** Size of a file of results, as `scalora eval --out` has it. */
const maxExamplesBytes = 1 << 28;

/** Main scores of examples by task and the example's index. */
export type ExampleScores = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The scores of the examples that a run's model was scored on; empty without a log. */
export function readExampleScores(folder: string): ExampleScores {
  const file = examplesFile(folder);
  const tasks = new Map<string, Map<number, number>>();
  for (const line of existsSync(file) ? readFileText(file, maxExamplesBytes).split("\n") : []) {
    const example = exampleSchema.safeParse(parseOptional(line)).data;
    const [score] = Object.values(example?.scores ?? {});
    if (example === undefined || score === undefined) continue;
    const ofTask = tasks.get(example.task) ?? new Map<number, number>();
    tasks.set(example.task, ofTask.set(example.index, score));
  }
  return tasks;
}

/**
 * Scores the best checkpoint of a run on tasks, in a process of its own, and writes the scores beside the run.
 * @throws ScaloraError `run` when the run's checkpoints are gone, or the evaluation fails
 * @throws the signal's reason when it is aborted; examples that were scored are not scored again
 */
export async function scoreTasks(
  folder: string,
  scoring: TaskScoring,
  { command, threads }: { readonly command: readonly string[]; readonly threads: number | undefined },
  { signal, run }: ProcessHooks,
): Promise<TaskScores> {
  if (!existsSync(join(folder, "checkpoints")))
    throw new ScaloraError("run", "A finished run of the comparison has no model left to score on tasks", {
      where: folder,
      fix: "remove that run, or choose another folder with --out",
    });
  const end = await run([...command, ...evalArguments(folder, scoring)], threads, signal);
  signal.throwIfAborted();
  const report = reportSchema.safeParse(parseOptional(end.stdout)).data;
  if (end.code !== 0 || report === undefined)
    throw new ScaloraError("run", "A run could not be scored on tasks", {
      where: folder,
      found: errorOf(end),
      fix: "fix the cause and repeat the command: finished runs are kept",
    });
  const scores = Object.fromEntries(report.tasks.map(({ task, metrics }) => [task, metrics[0]?.value ?? 0]));
  writeOutputFile(scoresFile(folder), JSON.stringify(scores));
  return scores;
}

function evalArguments(folder: string, { names, data, limit, render, beams }: TaskScoring): string[] {
  const option = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  return [
    ...["eval", folder, "--tasks", names.join(","), "--json"],
    ...[data].flat().flatMap((root) => ["--data", root]),
    ...["--predictions", examplesFile(folder)],
    ...option("limit", limit),
    ...option("render", render),
    ...option("beams", beams),
  ];
}
