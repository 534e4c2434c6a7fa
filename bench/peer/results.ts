// The file of results: rows are added as they finish, and a row that is there is not measured again.
import { existsSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { z } from "zod";
import { writeFileAtomic } from "../../src/util/files.ts";

/** A: transformers + PEFT as its users run it; F: the same tuned by hand. A round asks them in this order. */
export const sideNames = ["A", "ours", "F"] as const;
export type SideName = (typeof sideNames)[number];

const ofSides = <Value extends z.ZodType>(value: Value) => z.object({ A: value, ours: value, F: value });

/** How far a side is from A in float32: the first batch's loss, and the worst gradient tensor (‖a − b‖ / ‖b‖). */
const difference = z.object({ loss: z.number(), gradient: z.number(), tensor: z.string() });
export type Difference = z.infer<typeof difference>;

/** Seconds in which a side computed all batches once. */
const seconds = z.object({ cpu: z.number(), wall: z.number() });

const measuredRow = z.object({
  name: z.string(),
  title: z.string(),
  dtype: z.enum(["float32", "bfloat16"]),
  threads: z.int(),
  busy: z.int(),
  date: z.string(),
  /** Of all batches, and with padding. */
  tokens: z.int(),
  padded: z.int(),
  differences: ofSides(difference),
  /** The largest difference of a training step's loss from A's, relative; none with dropout. */
  losses: z.object({ ours: z.number(), F: z.number() }).optional(),
  rounds: z.array(ofSides(seconds)),
  peakMiB: ofSides(z.number()),
  notes: ofSides(z.string()),
  load: z.object({
    /** Load averages of a minute, before and after the row. */
    average: z.tuple([z.number(), z.number()]),
    /** The share of the processors' time that other processes took while the sides computed; absent where it is not known. */
    others: z.number().optional(),
  }),
});
export type MeasuredRow = z.infer<typeof measuredRow>;

/** A row without figures: its model is missing, or a side did not compute the same. */
const otherRow = z.object({ name: z.string(), reason: z.string() });

const resultsFile = z.object({
  machine: z.string(),
  rows: z.array(measuredRow),
  failed: z.array(otherRow),
  leftOut: z.array(otherRow),
});
export type Results = z.infer<typeof resultsFile>;

/** The machine in words. */
export function describeMachine(): string {
  const model = (cpus()[0]?.model ?? "unknown processor").trim();
  return `${model}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}`;
}

/**
 * Reads what a file of results holds; empty results where there is no such file.
 * @throws Error for results of another machine
 */
export function readResults(path: string, machine = describeMachine()): Results {
  if (!existsSync(path)) return { machine, rows: [], failed: [], leftOut: [] };
  const results = resultsFile.parse(JSON.parse(readFileSync(path, "utf8")));
  if (results.machine === machine) return results;
  throw new Error(
    `${path} has results of another machine (${results.machine}): choose another folder with --out`,
  );
}

export function writeResults(path: string, results: Results): void {
  writeFileAtomic(path, `${JSON.stringify(results, null, 1)}\n`);
}

/** The results with a row in the place of what they had of it. */
export function withRow(
  results: Results,
  kind: "rows" | "failed" | "leftOut",
  row: Results[typeof kind][number],
): Results {
  const without = <Row extends { name: string }>(rows: readonly Row[]) =>
    rows.filter(({ name }) => name !== row.name);
  const { machine, rows, failed, leftOut } = results;
  const kept: Results = { machine, rows: without(rows), failed: without(failed), leftOut: without(leftOut) };
  return resultsFile.parse({ ...kept, [kind]: [...kept[kind], row] });
}
