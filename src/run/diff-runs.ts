import { basename, join } from "node:path";
import { largestOf } from "../util/elements.ts";
import { flattenKeys } from "../util/flatten.ts";
import type { Json } from "../util/json.ts";
import { eventsOfType, type RecordedEvent, type StartEvent, type StepEvent } from "./events.ts";
import { readEvents } from "./read-events.ts";
import { readRecordedRecipe } from "./recorded-recipe.ts";
import { runFiles } from "./run-files.ts";
import { readStatus } from "./status.ts";

/** A value of both runs, of a run with a section there its keys; null where a run has none. */
export interface Difference {
  key: string;
  values: [Json, Json];
}

/** A figure of both runs, equal or not. */
export interface Figure {
  name: string;
  values: [number | null, number | null];
}

/** Where the losses of two runs part. */
export interface LossComparison {
  /** Steps that both runs have. */
  common: number;
  /** The first of these with other losses, bit by bit; null when all are equal. */
  first: { step: number; values: [number, number] } | null;
  /** The step with the largest difference. */
  largest: { step: number; difference: number } | null;
}

/** What differs between two runs; empty lists where nothing does. */
export interface RunDifference {
  runs: [string, string];
  recipe: Difference[];
  versions: Difference[];
  machine: Difference[];
  model: Difference[];
  data: Difference[];
  losses: LossComparison;
  results: Figure[];
}

const versionKeys = ["scalora", "libtorch", "node"];
/** Entries of the environment that follow from the recipe and the rest. */
const derivedKeys = ["seed", "estimatedMemory", "checkpointBytes"];
/** Keys of a recipe that say where a run is, not what it does. */
const placeKeys = ["run.name", "run.folder"];

/**
 * Compares two runs by their folders.
 * @throws ScaloraError `format` for a damaged record or recipe, or one of a newer version
 */
export function diffRuns(first: string, second: string): RunDifference {
  const [a, b] = [readRun(first), readRun(second)];
  const differences = (of: (run: ReadRun) => ReadonlyMap<string, Json>) => differ(of(a), of(b));
  return {
    runs: [first, second],
    recipe: differences(({ recipe }) => recipe),
    versions: differences(({ environment }) => select(environment, (key) => versionKeys.includes(key))),
    machine: differences(({ environment }) => select(environment, isMachine)),
    model: differences(({ start }) =>
      flattenKeys(start && { path: start.model.path, hash: start.model.hash }),
    ),
    data: differences(({ start }) => dataIdentity(start)),
    losses: compareLosses(a.steps, b.steps),
    results: compareResults(a, b),
  };
}

interface ReadRun {
  recipe: ReadonlyMap<string, Json>;
  environment: ReadonlyMap<string, Json>;
  events: RecordedEvent[];
  start: StartEvent | undefined;
  steps: StepEvent[];
}

function readRun(path: string): ReadRun {
  const events = readEvents(path);
  const [start] = eventsOfType(events, "start");
  const host = readStatus(path)?.process.host;
  return {
    recipe: select(
      flattenKeys(readRecordedRecipe(join(path, runFiles.config))),
      (key) => !placeKeys.includes(key),
    ),
    environment: flattenKeys({ ...start?.environment, host }),
    events,
    start,
    steps: eventsOfType(events, "step"),
  };
}

const isMachine = (key: string) => !versionKeys.includes(key) && !derivedKeys.includes(key);

const select = (values: ReadonlyMap<string, Json>, isWanted: (key: string) => boolean) =>
  new Map([...values].filter(([key]) => isWanted(key)));

/** The data by their hashes and counts; files by name, whatever their folder. */
function dataIdentity(start: StartEvent | undefined): Map<string, Json> {
  const { files = [], hashes, rows, heldOut, tokens, labelTokens } = start?.data ?? {};
  const named = files.map(({ path, sha256 }) => [basename(path), sha256]);
  return flattenKeys({ file: Object.fromEntries(named), hashes, rows, heldOut, tokens, labelTokens });
}

function differ(a: ReadonlyMap<string, Json>, b: ReadonlyMap<string, Json>): Difference[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  const groups = new Map<string, string[]>();
  for (const name of keys) {
    const key = outermost(name, keys);
    const members = groups.get(key) ?? [];
    members.push(name);
    groups.set(key, members);
  }
  return [...groups].flatMap(([key, members]): Difference[] => {
    const values: [Json, Json] = [valueOrSection(a, key, members), valueOrSection(b, key, members)];
    return JSON.stringify(values[0]) === JSON.stringify(values[1]) ? [] : [{ key, values }];
  });
}

/** A key, or the first of the keys that it is within that is among `keys`: it has a value in the other run. */
function outermost(key: string, keys: ReadonlySet<string>): string {
  for (let dot = key.indexOf("."); dot >= 0; dot = key.indexOf(".", dot + 1))
    if (keys.has(key.slice(0, dot))) return key.slice(0, dot);
  return key;
}

/** The value of a key, or the values of the `members` within it; null without any. */
function valueOrSection(values: ReadonlyMap<string, Json>, key: string, members: readonly string[]): Json {
  const section = members.flatMap((name) => {
    const value = values.get(name);
    return value === undefined ? [] : [[name.slice(key.length + 1), value]];
  });
  return values.get(key) ?? (section.length > 0 ? Object.fromEntries(section) : null);
}

function compareLosses(a: readonly StepEvent[], b: readonly StepEvent[]): LossComparison {
  const others = new Map(b.map(({ step, loss }) => [step, loss]));
  const pairs = a.flatMap(({ step, loss }) => {
    const other = others.get(step);
    return other === undefined ? [] : [{ step, loss, other, difference: Math.abs(loss - other) }];
  });
  const unequal = pairs.filter(({ loss, other }) => !Object.is(loss, other));
  const [first] = unequal;
  if (first === undefined) return { common: pairs.length, first: null, largest: null };
  const largest = unequal.reduce((most, each) => (each.difference > most.difference ? each : most));
  return {
    common: pairs.length,
    first: { step: first.step, values: [first.loss, first.other] },
    largest: { step: largest.step, difference: largest.difference },
  };
}

/** The figures that a run ended with, by name. */
function figuresOf({ events, steps }: ReadRun): Map<string, number> {
  const evals = eventsOfType(events, "eval");
  const last = evals.at(-1);
  const end = eventsOfType(events, "end").at(-1);
  const best = evals.findLast((event) => event.best);
  const sum = (of: (step: StepEvent) => number) => steps.reduce((total, step) => total + of(step), 0);
  const seconds = sum((step) => step.seconds);
  const figures: [string, number | undefined][] = [
    ["steps", steps.at(-1)?.step ?? end?.step],
    ["training loss", steps.at(-1)?.loss],
    ["held-out loss", last?.loss],
    ["best held-out loss", best?.loss],
    ["best score", best?.score],
    ["accuracy", last?.accuracy],
    ...Object.entries(last?.metrics ?? {}),
    ["seconds", end?.seconds],
    ["tokens per second", seconds > 0 ? sum((step) => step.tokens) / seconds : undefined],
    ["peak memory in bytes", steps.length > 0 ? largestOf(steps.map(({ memory }) => memory)) : undefined],
  ];
  return new Map(figures.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function compareResults(a: ReadRun, b: ReadRun): Figure[] {
  const [of, other] = [figuresOf(a), figuresOf(b)];
  const names = new Set([...of.keys(), ...other.keys()]);
  return [...names].map((name) => ({ name, values: [of.get(name) ?? null, other.get(name) ?? null] }));
}
