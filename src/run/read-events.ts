import { join } from "node:path";
import type { z } from "zod";
import { ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { type EventType, eventSchemas, formatLine, type RecordedEvent, type RunEvent } from "./events.ts";
import { firstIssue, jsonText, type SchemaIssue } from "./first-schema-issue.ts";
import { assertKnownVersion, parseOptional, readOptional, runFiles } from "./run-files.ts";

/**
 * The events of a run in order, without those superseded by a later `resume`, or by a restart from step 0 for lack of a
 * checkpoint. Unknown event types and a last line cut off by a crash are skipped. Non-finite numbers are NaN.
 * @param path the run's folder; without a record there are no events
 * @throws ScaloraError `format` for a record of a newer version, or a damaged one (names file, line, type and key)
 */
export function readEvents(path: string): RecordedEvent[] {
  const file = join(path, runFiles.events);
  let events: RecordedEvent[] = [];
  for (const event of parseEvents(readOptional(file) ?? "", file)) {
    if (event.type === "resume")
      events = events.filter((earlier) => earlier.step <= event.step && earlier.type !== "end");
    const isRestart = event.type === "start" && event.step === 0 && !events.some(isResume);
    if (isRestart) events = events.filter(isInitialEvent);
    events.push(event);
  }
  return events;
}

const isResume = ({ type }: RecordedEvent) => type === "resume";

/** Warnings before the first step and samples of the untrained model: a restarted run does not record them again. */
const isInitialEvent = ({ type, step }: RecordedEvent) =>
  step === 0 && (type === "warning" || type === "sample");

/** The types that a process writes first: a line cut off by a crash can only be followed by one of these. */
const firstEvents: ReadonlySet<unknown> = new Set<EventType>(["resume", "start", "warning", "end"]);

/** Every event of the text, superseded or not. */
function parseEvents(text: string, file: string): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  const lines = text.split("\n");
  let cutAt: number | undefined;
  lines.forEach((line, index) => {
    if (line === "") return;
    const value = parseOptional(line);
    if (value === undefined) {
      cutAt ??= index;
      return;
    }
    const place = { file, line: index + 1 };
    if (!isRecord(value)) throw damaged(place, "", { expected: "object", found: jsonText(value) });
    if (cutAt !== undefined && !firstEvents.has(value["type"]))
      throw damaged({ file, line: cutAt + 1 }, "", { expected: "JSON", found: jsonText(lines[cutAt]) });
    cutAt = undefined;
    const event = parseEvent(value, place);
    if (event) events.push(event);
  });
  return events;
}

interface Place {
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
}

/** @returns undefined for the format line and for unknown event types */
function parseEvent(value: { readonly [key: string]: unknown }, place: Place): RecordedEvent | undefined {
  const { type, time } = value;
  if (typeof type !== "string") throw damaged(place, "type", { expected: "string", found: jsonText(type) });
  if (type === "format") {
    const { version } = validated(formatLine, value, place);
    assertKnownVersion(version, `${place.file}:${place.line}`);
    return undefined;
  }
  if (!isEventType(type)) return undefined;
  if (typeof time !== "string")
    throw damaged(place, `${type}.time`, { expected: "string", found: jsonText(time) });
  const schema: z.ZodType<RunEvent> = eventSchemas[type];
  return Object.assign(validated(schema, value, place), { time });
}

const isEventType = (type: string): type is EventType => Object.hasOwn(eventSchemas, type);

function validated<T>(schema: z.ZodType<T>, value: { readonly [key: string]: unknown }, place: Place): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { key, ...issue } = firstIssue(result.error, value);
  throw damaged(place, `${String(value["type"])}.${key}`, issue);
}

function damaged({ file, line }: Place, key: string, issue: Omit<SchemaIssue, "key">): ScaloraError {
  return new ScaloraError("format", "The run's record is damaged", {
    where: `${file}:${line}${key === "" ? "" : `: ${key}`}`,
    ...issue,
    fix: "restore the file from a copy, or remove this line: the other lines do not depend on it",
  });
}
