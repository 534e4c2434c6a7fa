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

const load = z.object({
  /** Load averages of a minute, before and after the row. */
  average: z.tuple([z.number(), z.number()]),
  /** The share of the processors' time that other processes took while the sides computed; absent where it is not known. */
  others: z.number().optional(),
});

const setting = z.object({
  name: z.string(),
  title: z.string(),
  dtype: z.enum(["float32", "bfloat16"]),
  threads: z.int(),
  busy: z.int(),
  date: z.string(),
  /** Of all batches, without padding. */
  tokens: z.int(),
  load,
});

const measuredRow = setting.extend({
  /** Tokens of all batches, with padding. */
  padded: z.int(),
  differences: ofSides(difference),
  /** The largest difference of a training step's loss from A's, relative; none with dropout. */
  losses: z.object({ ours: z.number(), F: z.number() }).optional(),
  rounds: z.array(ofSides(seconds)),
  peakMiB: ofSides(z.number()),
  notes: ofSides(z.string()),
});
export type MeasuredRow = z.infer<typeof measuredRow>;

const ofBoth = <Value extends z.ZodType>(value: Value) => z.object({ full: value, without: value });

/** Our side with all techniques and without one of them. */
const techniqueRow = setting.extend({
  technique: z.string(),
  differences: ofBoth(difference),
  /** The largest difference of a training step's loss, relative. */
  losses: z.number(),
  rounds: z.array(ofBoth(seconds)),
  peakMiB: ofBoth(z.number()),
  notes: ofBoth(z.string()),
});
export type MeasuredTechnique = z.infer<typeof techniqueRow>;

const ofRivals = <Value extends z.ZodType>(value: Value) => z.object({ theirs: value, ours: value });

/** Greedy generation beside llama.cpp's. */
const generationRow = z.object({
  name: z.string(),
  title: z.string(),
  threads: z.int(),
  /** Continued at once, and the new tokens of each; the seconds are those after the first. */
  sequences: z.int(),
  newTokens: z.int(),
  date: z.string(),
  /** Of node-llama-cpp. */
  version: z.string(),
  /** After the prompts: CPU time with one thread, else on the clock. */
  seconds: z.array(ofRivals(z.number())),
  peakMiB: ofRivals(z.number()),
  /** New tokens before the first that differs, of all sequences. */
  alike: z.int(),
  load,
});
export type MeasuredGeneration = z.infer<typeof generationRow>;

/** A row without figures: its model is missing, or a side did not compute the same. */
const otherRow = z.object({ name: z.string(), reason: z.string() });

const resultsFile = z.object({
  machine: z.string(),
  rows: z.array(measuredRow),
  techniques: z.array(techniqueRow).default([]),
  generation: z.array(generationRow).default([]),
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
  if (!existsSync(path)) return resultsFile.parse({ machine, rows: [], failed: [], leftOut: [] });
  const results = resultsFile.parse(JSON.parse(readFileSync(path, "utf8")));
  if (results.machine === machine) return results;
  throw new Error(
    `${path} has results of another machine (${results.machine}): choose another folder with --out`,
  );
}

export function writeResults(path: string, results: Results): void {
  writeFileAtomic(path, `${JSON.stringify(results, null, 1)}\n`);
}

/** The lists of results: what was measured, and what was not. */
const kinds = ["rows", "techniques", "generation", "failed", "leftOut"] as const;
export type ResultKind = (typeof kinds)[number];

/** The results with a row in the place of what they had of it. */
export function withRow<Kind extends ResultKind>(
  results: Results,
  kind: Kind,
  row: Results[Kind][number],
): Results {
  const others = kinds.map((each) => [each, results[each].filter(({ name }) => name !== row.name)] as const);
  const kept = Object.fromEntries(others);
  return resultsFile.parse({ machine: results.machine, ...kept, [kind]: [...(kept[kind] ?? []), row] });
}

/** Whether a row has been measured. */
export const isMeasured = ({ rows, techniques, generation }: Results, name: string): boolean =>
  [...rows, ...techniques, ...generation].some((row) => row.name === name);

/** The results in the order of some names. */
export function inOrder(results: Results, names: readonly string[]): Results {
  const places = new Map(names.map((name, place) => [name, place]));
  const placeOf = ({ name }: { name: string }) => places.get(name) ?? 0;
  const sorted = kinds.map(
    (kind) => [kind, results[kind].toSorted((a, b) => placeOf(a) - placeOf(b))] as const,
  );
  return resultsFile.parse({ machine: results.machine, ...Object.fromEntries(sorted) });
}
