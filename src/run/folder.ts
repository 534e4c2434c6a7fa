import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { makeFolders, writeFileAtomic } from "../util/files.ts";
import { shellQuote } from "../util/format.ts";
import {
  type ControlCommand,
  controlCommands,
  type RecordedEvent,
  type RecordedStatus,
  type RunEvent,
  type RunStatus,
} from "./events.ts";
import { currentProcess, isRunning } from "./processes.ts";

export * from "./events.ts";

const names = {
  config: "config.yaml",
  status: "status.json",
  events: "events.jsonl",
  control: "control.json",
};

/**
 * The folder of one run: `config.yaml`, `status.json` (replaced atomically), `events.jsonl` (only ever appended to),
 * `control.json` (written by others, taken by the run), `checkpoints/`, `export/`, `report.html`.
 */
export class RunFolder {
  readonly path: string;
  private readonly events: number;
  private readonly startedAt: string;

  private constructor(path: string, events: number, startedAt: string) {
    this.path = path;
    this.events = events;
    this.startedAt = startedAt;
  }

  /**
   * Makes the folder of a new run and writes its configuration.
   * Throws a `config` error (exit 2) when the folder exists, a `run` error (exit 1) when it cannot be written.
   */
  static create(path: string, config: string): RunFolder {
    try {
      makeFolders(dirname(path));
      mkdirSync(path);
    } catch (cause) {
      throw existsSync(path) ? alreadyThere(path) : notWritable(path, cause);
    }
    try {
      writeFileAtomic(join(path, names.config), config);
      return new RunFolder(path, openSync(join(path, names.events), "a"), new Date().toISOString());
    } catch (cause) {
      throw notWritable(path, cause);
    }
  }

  /**
   * Opens the folder of a run that goes on. Throws a `config` error when it holds no run, `usage` when another living
   * process works on it, `run` when it cannot be written.
   */
  static open(path: string): RunFolder {
    if (!existsSync(join(path, names.config))) {
      throw new ScaloraError("config", "This folder holds no run", {
        where: path,
        expected: `a folder with ${names.config}`,
        found: existsSync(path) ? "a folder without it" : "no folder",
        fix: "`npx scalora ls runs` lists the runs",
      });
    }
    const status = readStatus(path);
    if (status !== undefined && isActive(status)) {
      throw new ScaloraError("usage", "Another process is training this run", {
        where: path,
        found: `process ${status.process.pid}, ${status.state} at step ${status.step}`,
        fix: "wait for it, or stop it",
      });
    }
    try {
      const events = openSync(join(path, names.events), "a");
      terminatePartialLine(path, events);
      return new RunFolder(path, events, status?.startedAt ?? new Date().toISOString());
    } catch (cause) {
      throw notWritable(path, cause);
    }
  }

  /** A path inside the folder. */
  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Appends one event with the present time. Numbers that JSON lacks (NaN, infinite) become null. */
  append(event: RunEvent): void {
    this.guard(() =>
      writeSync(this.events, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`),
    );
  }

  writeStatus(status: RunStatus): void {
    const recorded: RecordedStatus = {
      ...status,
      process: currentProcess(),
      startedAt: this.startedAt,
      updatedAt: new Date().toISOString(),
    };
    this.guard(() => writeFileAtomic(this.file(names.status), `${JSON.stringify(recorded, undefined, 2)}\n`));
  }

  /** Takes what `control.json` asks and removes the file; `unknown` holds a content that is no command. */
  takeControl(): { command?: ControlCommand; unknown?: string } {
    const text = readOptional(this.file(names.control));
    if (text === undefined) return {};
    rmSync(this.file(names.control), { force: true });
    const command = commandIn(text);
    return command === undefined ? { unknown: text.slice(0, 200) } : { command };
  }

  close(): void {
    closeSync(this.events);
  }

  private guard(write: () => unknown): void {
    try {
      write();
    } catch (cause) {
      throw notWritable(this.path, cause);
    }
  }
}

/** Asks a run for something; it looks between its steps. */
export function requestControl(path: string, command: ControlCommand): void {
  writeFileAtomic(join(path, names.control), `${JSON.stringify({ command })}\n`);
}

/** The status of a run, or undefined when there is none or it cannot be read. */
export function readStatus(path: string): RecordedStatus | undefined {
  const text = readOptional(join(path, names.status));
  const value = text === undefined ? undefined : parseObject(text);
  return value !== undefined && isStatus(value) ? value : undefined;
}

/** Whether a run's process still works on it. */
export function isActive(status: RecordedStatus): boolean {
  const works = status.state === "starting" || status.state === "running" || status.state === "paused";
  return works && isRunning(status.process);
}

/**
 * The events of a run in order. A line that a crash cut off is left out, and so is what a later `resume` made void, or a
 * start from the first step where there was no checkpoint to go on from.
 */
export function readEvents(path: string): RecordedEvent[] {
  let events: RecordedEvent[] = [];
  for (const line of (readOptional(join(path, names.events)) ?? "").split("\n")) {
    const event = line === "" ? undefined : parseObject(line);
    if (event === undefined || !isEvent(event)) continue;
    if (event.type === "resume")
      events = events.filter((earlier) => earlier.step <= event.step && earlier.type !== "end");
    const isRestart = event.type === "start" && event.step === 0 && !events.some(isResume);
    if (isRestart) events = events.filter(isInitialEvent);
    events.push(event);
  }
  return events;
}

const isResume = ({ type }: RecordedEvent) => type === "resume";

/** Warnings of the start, and what the untrained model wrote: a run that starts again does not repeat it. */
const isInitialEvent = ({ type, step }: RecordedEvent) =>
  step === 0 && (type === "warning" || type === "sample");

/** Names of the runs in a folder, sorted; none when there is no such folder. */
export function listRunNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries
    .map((entry) => entry.name)
    .filter((name) => existsSync(join(folder, name, names.config)))
    .sort();
}

function alreadyThere(path: string): ScaloraError {
  const isRun = existsSync(join(path, names.config));
  const goOn = isRun ? `, or go on with \`npx scalora train --resume ${shellQuote(path)}\`` : "";
  return new ScaloraError("config", "The run's folder exists already", {
    where: path,
    expected: "a new name (run.name)",
    ...(!isRun && { found: "a file, or a folder without a run" }),
    fix: `choose another with --set run.name=…${goOn}`,
  });
}

function notWritable(path: string, cause: unknown): ScaloraError {
  return new ScaloraError("run", "The run's folder cannot be written", {
    where: path,
    found: messageOf(cause),
    fix: "choose another place with --set run.folder=…, or make room or permissions here",
    cause,
  });
}

/** After a crash the last line may lack its end; the next event must not continue it. */
function terminatePartialLine(path: string, events: number): void {
  const text = readFileSync(join(path, names.events));
  if (text.length > 0 && text[text.length - 1] !== 0x0a) writeSync(events, "\n");
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

// These files are our own; the guards tell them from torn and foreign ones, they do not check every field.
const isEvent = (value: JsonObject): value is JsonObject & RecordedEvent =>
  typeof value.type === "string" && typeof value.step === "number" && typeof value.time === "string";

const isStatus = (value: JsonObject): value is JsonObject & RecordedStatus =>
  typeof value.state === "string" && typeof value.step === "number" && typeof value.process === "object";

function commandIn(text: string): ControlCommand | undefined {
  const wanted = parseObject(text)?.command;
  return controlCommands.find((command) => command === wanted);
}
