import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { writeFileAtomic, writeFully } from "../util/files.ts";
import { currentProcess } from "../util/locks/process-identity.ts";
import type { ProcessLock } from "../util/locks/process-lock.ts";
import { openFile, readFileText, statsOf } from "../util/read-file.ts";
import { type ControlCommand, parseControl } from "./control-command.ts";
import type { RunEvent } from "./events.ts";
import { removeLeftovers } from "./leftovers.ts";
import { lockNewRun, lockRun, notReadable, notWritable } from "./lock-run.ts";
import { readEvents } from "./read-events.ts";
import { recordVersion, runFiles } from "./run-files.ts";
import { type RecordedStatus, type RunStatus, readStatus } from "./status.ts";

/** Bytes of a `control.json`: far more than a command has. */
const maxControl = 1 << 16;

/**
 * The folder of one run: `config.yaml`, `status.json` (replaced atomically), `events.jsonl` (append-only),
 * `control.json` (written by others, read and removed by the run), `checkpoints/`, `export/`, `report.html`.
 */
export class RunFolder implements Disposable {
  readonly path: string;
  private startedAt = new Date().toISOString();
  private readonly lock: ProcessLock;
  /** Descriptor of `events.jsonl`; undefined when closed. */
  private events: number | undefined;
  /** Whether a folder in which nothing could be recorded is removed. */
  private isBlank: boolean;
  private hasFailed = false;
  /** Whether a `control.json` that cannot be read is there, and warned of. */
  private ignoresControl = false;

  private constructor(path: string, lock: ProcessLock, isNew: boolean) {
    this.path = path;
    this.lock = lock;
    this.isBlank = isNew;
  }

  /**
   * Creates the folder of a new run and writes its configuration.
   * @param lock of the folder, when it is taken already; it is released when the folder is closed, or when this throws
   * @throws ScaloraError `config` when the folder exists, `usage` when another process makes it, `run` when it cannot be
   * written
   */
  static create(path: string, config: string, lock = lockNewRun(path)): RunFolder {
    const run = new RunFolder(path, lock, true);
    run.begin(() => {
      removeLeftovers(path);
      writeFileAtomic(run.file(runFiles.config), config);
      run.openEvents(recordLine({ type: "format", step: 0, version: recordVersion }));
    });
    return run;
  }

  /**
   * Opens the folder of an existing run to resume it. Temporary files of processes that are gone are removed.
   * @param lock of the folder, when it is taken already; it is released when the folder is closed, or when this throws
   * @throws ScaloraError `config` when it holds no run, `usage` when another live process trains it, `format` when its
   * record is damaged or of a newer version, `run` when it cannot be read or written
   */
  static open(path: string, lock = lockRun(path)): RunFolder {
    const run = new RunFolder(path, lock, false);
    run.begin(() => {
      run.startedAt = readStatus(path)?.startedAt ?? run.startedAt;
      // An unreadable record would fail the report at the end of the run: fail before training instead.
      readEvents(path);
      removeLeftovers(path);
      run.openEvents(run.endsMidLine() ? "\n" : "");
    });
    return run;
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

  /** Replaces `status.json`, atomically. A new run's folder in which not even that was written is removed when it is closed. */
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
    this.isBlank = false;
  }

  /** Reads the command in `control.json` and removes the file; `warning` explains why it is not valid. */
  takeControl(): { command?: ControlCommand; warning?: string } {
    this.assertHeld();
    const file = this.file(runFiles.control);
    const taken = this.file(`.${runFiles.control}.${process.pid}.tmp`);
    try {
      // What cannot be read stays where it is.
      readFileText(file, maxControl);
      // A command that replaces this one meanwhile is the one that is moved, and read.
      renameSync(file, taken);
    } catch (cause) {
      return statsOf(file) ? this.ignoreControl(messageOf(cause)) : {};
    }
    this.ignoresControl = false;
    try {
      return parseControl(readFileText(taken, maxControl));
    } catch (cause) {
      return { warning: `${runFiles.control} ignored: ${messageOf(cause)}` };
    } finally {
      rmSync(taken, { recursive: true, force: true });
    }
  }

  /** What cannot be read stays where it is, and is warned of once. */
  private ignoreControl(reason: string): { warning?: string } {
    if (this.ignoresControl) return {};
    this.ignoresControl = true;
    return { warning: `${runFiles.control} ignored: ${reason}` };
  }

  /** Closes the record and releases the run, in any case (idempotent). The files stay. */
  close(): void {
    const { events } = this;
    this.events = undefined;
    try {
      if (events !== undefined) closeSync(events);
    } finally {
      if (this.isBlank && this.hasFailed) this.removeBlank();
      this.lock[Symbol.dispose]();
    }
  }

  private removeBlank(): void {
    try {
      if (!this.isHeld()) return;
      for (const name of [runFiles.config, runFiles.events, runFiles.status])
        rmSync(this.file(name), { force: true });
    } catch {
      // They stay: what has failed before says why.
    }
  }

  /** Closes the record and releases the run. */
  [Symbol.dispose](): void {
    this.close();
  }

  private begin(action: () => void): void {
    try {
      this.guard(action);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Whether the record's last line has no newline, as after a crash: the next event must start a new line. */
  private endsMidLine(): boolean {
    const file = this.file(runFiles.events);
    try {
      return existsSync(file) && lastByte(file) !== 0x0a;
    } catch (cause) {
      throw notReadable(this.path, cause);
    }
  }

  private openEvents(firstText: string): void {
    this.events = openSync(this.file(runFiles.events), "a");
    if (firstText !== "") writeFully(this.events, Buffer.from(firstText));
  }

  /** Whether the run is still this process's to write. */
  isHeld(): boolean {
    return this.lock.isHeld();
  }

  /** @throws ScaloraError `run` when another process has taken the run over: nothing of it may be written then */
  assertHeld(): void {
    this.lock.assertHeld();
  }

  private guard(write: () => unknown): void {
    try {
      this.assertHeld();
      write();
    } catch (cause) {
      this.hasFailed = true;
      throw cause instanceof ScaloraError ? cause : notWritable(this.path, cause);
    }
  }
}

const recordLine = (content: object) => `${JSON.stringify({ time: new Date().toISOString(), ...content })}\n`;

/** The last byte of a file; a newline for an empty one. */
function lastByte(file: string): number {
  const descriptor = openFile(file);
  try {
    const last = Buffer.from("\n");
    readSync(descriptor, last, 0, 1, Math.max(0, fstatSync(descriptor).size - 1));
    return last.readUInt8();
  } finally {
    closeSync(descriptor);
  }
}
