import { join } from "node:path";
import type { z } from "zod";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { codeOf } from "../util/files.ts";
import { isRecord } from "../util/json.ts";
import { readFileBytes } from "../util/read-file.ts";
import { type EventType, eventSchemas, formatLine, type RecordedEvent, type RunEvent } from "./events.ts";
import { firstIssue, jsonText, type SchemaIssue } from "./first-schema-issue.ts";
import { assertKnownVersion, parseOptional, runFiles } from "./run-files.ts";

/**
 * The events of a run in order, without those superseded by a later `resume`, or by a restart from step 0 for lack of a
 * checkpoint. Unknown event types and a last line cut off by a crash are skipped. Non-finite numbers are NaN.
 * @param path the run's folder; without a record there are no events
 * @throws ScaloraError `format` for a record of a newer version, or a damaged one (names file, line, type and key), `run`
 * for one that cannot be read
 */
export function readEvents(path: string): RecordedEvent[] {
  const file = join(path, runFiles.events);
  const collector = new EventCollector(file);
  for (const line of readRecord(file).split("\n")) collector.add(line);
  return collector.events;
}

/** Size of a record that is read at once: as long as a text can be, about two million steps. */
const maxRecordBytes = 500 * 2 ** 20;

/** The text of the record; empty without one. An unreadable record is an error: a resume needs what it holds. */
function readRecord(file: string): string {
  try {
    // Not strict: a crash may have cut the last line within a character.
    return readFileBytes(file, maxRecordBytes).toString("utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return "";
    throw new ScaloraError("run", "The run's record cannot be read", {
      where: file,
      found: messageOf(cause),
      fix: "make the file readable, or look whether its disk fails",
      cause,
    });
  }
}

/** Collects the events of a record line by line: what `readEvents` does, also for a file that is still growing. */
export class EventCollector {
  /** The valid events so far. A later line may remove some of them from the list. */
  readonly events: RecordedEvent[] = [];
  /** Of each event, the largest step of it and those before it; infinite from the first `end` on. */
  private readonly reach: number[] = [];
  /** How many events at the beginning a restarted run does not record again. */
  private initialEvents = 0;
  private hasResume = false;
  private readonly file: string;
  private lines = 0;
  /** A line that is not JSON: cut off by a crash if the next line is the first event of a new process, else damaged. */
  private cut: { place: Place; text: string } | undefined;

  /** @param file path of the record, for errors */
  constructor(file: string) {
    this.file = file;
  }

  /**
   * Takes the next line, without its line feed.
   * @throws ScaloraError `format` as `readEvents` does; the events so far stay
   */
  add(text: string): void {
    this.lines += 1;
    if (text === "") return;
    const place = { file: this.file, line: this.lines };
    const value = parseOptional(text);
    if (value === undefined) {
      this.cut ??= { place, text };
      return;
    }
    if (!isRecord(value)) throw damaged(place, "", { expected: "object", found: jsonText(value) });
    if (this.cut !== undefined && !firstEvents.has(value["type"]))
      throw damaged(this.cut.place, "", { expected: "JSON", found: jsonText(this.cut.text) });
    this.cut = undefined;
    const event = parseEvent(value, place);
    if (event) this.take(event);
  }

  private take(event: RecordedEvent): void {
    const { type, step } = event;
    if (type === "resume") {
      const valid = this.reach.findLastIndex((largest) => largest <= step) + 1;
      this.keepFrom(valid, (earlier) => earlier.step <= step && earlier.type !== "end");
      this.hasResume = true;
    }
    if (type === "start" && step === 0 && !this.hasResume) this.keepFrom(this.initialEvents, isInitialEvent);
    this.push(event);
  }

  /** Keeps of the events from an index on only some: the others may be many, and so may be the lines that do this. */
  private keepFrom(index: number, isValid: (event: RecordedEvent) => boolean): void {
    const later = this.events.splice(index);
    this.reach.length = index;
    this.initialEvents = Math.min(this.initialEvents, index);
    for (const event of later) if (isValid(event)) this.push(event);
  }

  private push(event: RecordedEvent): void {
    if (this.initialEvents === this.events.length && isInitialEvent(event)) this.initialEvents += 1;
    const reach = event.type === "end" ? Number.POSITIVE_INFINITY : event.step;
    this.reach.push(Math.max(reach, this.reach.at(-1) ?? 0));
    this.events.push(event);
  }
}

/** Warnings before the first step and samples of the untrained model: a restarted run does not record them again. */
const isInitialEvent = ({ type, step }: RecordedEvent) =>
  step === 0 && (type === "warning" || type === "sample");

/** The types that a process writes first: a line cut off by a crash can only be followed by one of these. */
const firstEvents: ReadonlySet<unknown> = new Set<EventType>(["resume", "start", "warning", "end"]);

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
