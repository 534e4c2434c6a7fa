import { basename } from "node:path";
import { eventsOfType, type RunEvent, type StartEvent } from "../run/events.ts";
import { parseRecordedRecipe } from "../run/recorded-recipe.ts";
import { runFiles } from "../run/run-files.ts";
import { largestOf } from "../util/elements.ts";
import { formatBytes, formatCount, formatCountOf, formatDuration, formatStepTime } from "../util/format.ts";
import { isRecord } from "../util/json.ts";
import { modelName } from "./model-name.ts";
import type { Fact, FactGroup } from "./page/report-data.ts";

/** What a run is, in a few figures. */
export function runFacts(events: readonly RunEvent[]): Fact[] {
  const start = eventsOfType(events, "start").at(-1);
  if (start === undefined) return [];
  const { model, method, parameters, totalSteps } = start;
  const done = events.at(-1)?.step ?? 0;
  return [
    { label: "Model", value: `${modelName(model.path)} (${model.family}, ${model.layers} layers)` },
    { label: "Method", value: method },
    {
      label: "Trainable",
      value: shareText(parameters),
    },
    {
      label: "Steps",
      value:
        done < totalSteps ? `${formatCount(done)} of ${formatCount(totalSteps)}` : formatCount(totalSteps),
    },
  ];
}

function shareText({ trainable, all }: StartEvent["parameters"]): string {
  if (trainable === all) return `all ${formatCount(all)}`;
  return `${formatCount(trainable)} of ${formatCount(all)} (${((100 * trainable) / all).toPrecision(2)} %)`;
}

/** Data, speed, machine and settings of a run; groups without facts are left out. */
export function runGroups(events: readonly RunEvent[], recipe?: string): FactGroup[] {
  const start = eventsOfType(events, "start").at(-1);
  const groups = [
    ...(start === undefined ? [] : [{ title: "Data", facts: dataFacts(start.data) }]),
    { title: "Speed, time and memory", facts: speedFacts(events) },
    ...(start === undefined ? [] : [{ title: "Machine and versions", facts: machineFacts(start) }]),
    ...(recipe === undefined ? [] : settingGroups(recipe)),
  ];
  return groups.filter(({ facts }) => facts.length > 0);
}

function dataFacts(data: StartEvent["data"]): Fact[] {
  const files = data.files?.map(
    ({ path, format, rows }) => `${basename(path)} (${format}, ${formatCountOf(rows, "row")})`,
  );
  const reasons = [...new Set(data.dropped?.map(({ reason }) => reason))];
  const dropped = data.dropped?.length
    ? `${formatCount(data.dropped.length)}: ${reasons.join("; ")}`
    : undefined;
  const labels = Array.isArray(data.labels) ? data.labels.join(", ") : data.labels;
  const counted = (count: number | undefined) => (count === undefined ? undefined : formatCount(count));
  return present([
    ["Files", files?.join(", ")],
    ["Training rows", counted(data.rows)],
    ["Held-out rows", counted(data.heldOut)],
    ["Tokens", counted(data.tokens)],
    ["Labels", counted(data.labelTokens)],
    ["Labelled", labels],
    ["Truncated rows", data.truncated === 0 ? undefined : counted(data.truncated)],
    ["Dropped rows", dropped],
    ["Rejected answers", counted(data.rejected)],
    ["Remarks", data.notes?.join(" ")],
  ]);
}

function speedFacts(events: readonly RunEvent[]): Fact[] {
  const steps = eventsOfType(events, "step");
  const end = eventsOfType(events, "end").at(-1);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const seconds = sum(steps.map((step) => step.seconds));
  const tokens = sum(steps.map((step) => step.tokens));
  const sorted = steps.map((step) => step.seconds).sort((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  const memory = largestOf(steps.map((step) => step.memory).filter(Number.isFinite));
  const checkpoint = eventsOfType(events, "start").at(-1)?.environment.checkpointBytes;
  return present([
    ["Time in all", end && Number.isFinite(end.seconds) ? formatDuration(end.seconds) : undefined],
    ["Time in steps", steps.length === 0 ? undefined : formatDuration(seconds)],
    ["Median step", median === undefined ? undefined : formatStepTime(median)],
    ["Tokens per second", seconds > 0 ? formatCount(tokens / seconds) : undefined],
    ["Tokens trained on", tokens > 0 ? formatCount(tokens) : undefined],
    ["Peak memory", Number.isFinite(memory) ? formatBytes(memory) : undefined],
    ["One checkpoint", checkpoint === undefined ? undefined : formatBytes(checkpoint)],
  ]);
}

function machineFacts({ environment }: StartEvent): Fact[] {
  const { device, dtype, quantization, base, gemmBackend, threads, seed, scalora, libtorch, node } =
    environment;
  return present([
    ["Device", device],
    ["Precision", dtype],
    ["Base weights", quantization],
    ["Base", base],
    ["GEMM backend", gemmBackend],
    ["Threads", threads?.toString()],
    ["Seed", seed?.toString()],
    ["scalora", scalora],
    ["libtorch", libtorch],
    ["Node", node],
  ]);
}

/** The sections of a recipe as facts; none for a text that is no recipe. */
function settingGroups(recipe: string): FactGroup[] {
  const sections = parsedRecipe(recipe);
  if (!isRecord(sections)) return [];
  return Object.entries(sections).flatMap(([title, section]) =>
    isRecord(section) ? [{ title: `Settings: ${title}`, facts: settings(section, "") }] : [],
  );
}

function parsedRecipe(recipe: string): unknown {
  try {
    return parseRecordedRecipe(recipe, runFiles.config);
  } catch {
    return undefined;
  }
}

/** A setting's value; of files that have nothing but a path, the paths. */
function settingText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.length > 0) return value.map(settingText).join(", ");
  if (isRecord(value) && Object.keys(value).join() === "path") return settingText(value["path"]);
  return JSON.stringify(value);
}

function settings(section: { readonly [key: string]: unknown }, prefix: string): Fact[] {
  return Object.entries(section).flatMap(([key, value]) => {
    const label = `${prefix}${key}`;
    if (isRecord(value)) return settings(value, `${label}.`);
    return [{ label, value: settingText(value) }];
  });
}

const present = (facts: readonly [label: string, value: string | undefined][]): Fact[] =>
  facts.flatMap(([label, value]) => (value === undefined || value === "" ? [] : [{ label, value }]));
