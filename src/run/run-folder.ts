import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { makeFolders, writeFileAtomic, writeFully } from "../util/files.ts";
import { shellQuote } from "../util/shell-quote.ts";
import { type ControlCommand, parseControl } from "./control-command.ts";
import type { RunEvent } from "./events.ts";
import { currentProcess } from "./process-identity.ts";
import { readEvents } from "./read-events.ts";
import { readOptional, recordVersion, runFiles } from "./run-files.ts";
import { isActive, type RecordedStatus, type RunStatus, readStatus } from "./status.ts";

/**
 * The folder of one run: `config.yaml`, `status.json` (replaced atomically), `events.jsonl` (append-only),
 * `control.json` (written by others, read and removed by the run), `checkpoints/`, `export/`, `report.html`.
 */
export class RunFolder implements Disposable {
  readonly path: string;
  private readonly startedAt: string;
  /** Descriptor of `events.jsonl`; undefined when closed. */
  private events: number | undefined;

  private constructor(path: string, startedAt: string, firstText: string) {
    this.path = path;
    this.startedAt = startedAt;
    this.events = openSync(this.file(runFiles.events), "a");
    try {
      if (firstText !== "") writeFully(this.events, Buffer.from(firstText));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Creates the folder of a new run and writes its configuration.
   * @throws ScaloraError `config` when the folder exists, `run` when it cannot be written
   */
  static create(path: string, config: string): RunFolder {
    try {
      makeFolders(dirname(path));
      mkdirSync(path);
    } catch (cause) {
      throw existsSync(path) ? alreadyThere(path) : notWritable(path, cause);
    }
    try {
      writeFileAtomic(join(path, runFiles.config), config);
      const format = recordLine({ type: "format", step: 0, version: recordVersion });
      return new RunFolder(path, new Date().toISOString(), format);
    } catch (cause) {
      throw notWritable(path, cause);
    }
  }

  /**
   * Opens the folder of an existing run to resume it.
   * @throws ScaloraError `config` when it holds no run, `usage` when another live process trains it, `format` when its
   * record is damaged or of a newer version, `run` when it cannot be written
   */
  static open(path: string): RunFolder {
    if (!existsSync(join(path, runFiles.config))) {
      throw new ScaloraError("config", "This folder holds no run", {
        where: path,
        expected: `a folder with ${runFiles.config}`,
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
    // An unreadable record would fail the report at the end of the run: fail before training instead.
    readEvents(path);
    try {
      const lineEnd = endsMidLine(join(path, runFiles.events)) ? "\n" : "";
      return new RunFolder(path, status?.startedAt ?? new Date().toISOString(), lineEnd);
    } catch (cause) {
      throw notWritable(path, cause);
    }
  }

  /** A path inside the folder. */
  file(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /**
   * Appends one event with the current time. Non-finite numbers become null.
   * @throws ScaloraError `run` when the file cannot be written, `usage` when the folder is closed
   */
  append(event: RunEvent): void {
    const { events } = this;
    if (events === undefined)
      throw new ScaloraError("usage", "This run folder is closed", {
        where: this.path,
        fix: "append before close()",
      });
    this.guard(() => writeFully(events, Buffer.from(recordLine(event))));
  }

  /** Replaces `status.json`, atomically. */
  writeStatus(status: RunStatus): void {
    const recorded: RecordedStatus = {
      version: recordVersion,
      ...status,
      process: currentProcess(),
      startedAt: this.startedAt,
      updatedAt: new Date().toISOString(),
    };
    this.guard(() =>
      writeFileAtomic(this.file(runFiles.status), `${JSON.stringify(recorded, undefined, 2)}\n`),
    );
  }

  /** Reads the command in `control.json` and removes the file; `warning` says why the file holds none. */
  takeControl(): { command?: ControlCommand; warning?: string } {
    const text = readOptional(this.file(runFiles.control));
    if (text === undefined) return {};
    rmSync(this.file(runFiles.control), { force: true });
    return parseControl(text);
  }

  /** Closes the record (idempotent). The files stay. */
  close(): void {
    if (this.events !== undefined) closeSync(this.events);
    this.events = undefined;
  }

  /** Closes the record. */
  [Symbol.dispose](): void {
    this.close();
  }

  private guard(write: () => unknown): void {
    try {
      write();
    } catch (cause) {
      throw notWritable(this.path, cause);
    }
  }
}

const recordLine = (content: object) => `${JSON.stringify({ time: new Date().toISOString(), ...content })}\n`;

function alreadyThere(path: string): ScaloraError {
  const isRun = existsSync(join(path, runFiles.config));
  const orResume = isRun ? `, or resume it with \`npx scalora train --resume ${shellQuote(path)}\`` : "";
  return new ScaloraError("config", "The run's folder already exists", {
    where: path,
    expected: "a new name (run.name)",
    ...(!isRun && { found: "a file, or a folder without a run" }),
    fix: `choose another with --set run.name=…${orResume}`,
  });
}

function notWritable(path: string, cause: unknown): ScaloraError {
  return new ScaloraError("run", "The run's folder cannot be written", {
    where: path,
    found: messageOf(cause),
    fix: "choose another location with --set run.folder=…, free disk space or change the permissions",
    cause,
  });
}

/** Whether the file's last line has no newline, as after a crash: the next event must start a new line. */
function endsMidLine(file: string): boolean {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  return bytes.length > 0 && bytes[bytes.length - 1] !== 0x0a;
}
