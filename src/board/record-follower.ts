import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { RecordedEvent } from "../run/events.ts";
import { EventCollector } from "../run/read-events.ts";
import { runFiles } from "../run/run-files.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { formatBytes, formatCount } from "../util/format.ts";

const pieceBytes = 1 << 20;

/** What is read of a record at most. A million steps, a week of two each second, are about 250 MB and a million events. */
export const recordLimits = { bytes: 512 << 20, events: 2_000_000 };

/** A longer line is no event. */
const maxLineBytes = 64 << 20;

/** Bytes before the offset that must still be there, else the file is another one. */
const tailBytes = 256;

const lineFeed = 0x0a;

/**
 * Follows a run's `events.jsonl` as it grows: each update reads only what was added. A file that was replaced, shortened or
 * removed is read anew. Damage, a newer version or too great a length is a `problem`, never an error: the events before it
 * stay.
 */
export class RecordFollower {
  /** What is wrong with the record, as shown to the user. */
  problem: string | null = null;
  /** Changes whenever `events` may have changed. */
  version = 0;
  private readonly path: string;
  private readonly limits: typeof recordLimits;
  private collector: EventCollector;
  private offset = 0;
  /** The last bytes before the offset. */
  private tail: Buffer = Buffer.alloc(0);
  /** A line that has not ended yet. */
  private rest: Buffer[] = [];
  private restBytes = 0;
  /** Size and time of the file in which the problem was found. */
  private problemIn: string | undefined;
  /** The limits are reached: while the file only grows, nothing more is read. */
  private isTooLong = false;
  private pending: Promise<void> | undefined;

  /** @param folder the run's folder */
  constructor(folder: string, limits = recordLimits) {
    this.path = join(folder, runFiles.events);
    this.limits = limits;
    this.collector = new EventCollector(this.path);
  }

  /** The valid events so far. */
  get events(): readonly RecordedEvent[] {
    return this.collector.events;
  }

  /** Reads what was added since. Calls at the same time share one reading. */
  update(): Promise<void> {
    this.pending ??= this.read().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async read(): Promise<void> {
    let file: FileHandle;
    try {
      // Not waiting: a pipe of that name would keep the reader for ever.
      file = await open(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (this.offset > 0) this.reset();
      this.problem = isMissing(error) ? null : `The record cannot be read: ${messageOf(error)}`;
      return;
    }
    try {
      await this.readFrom(file);
    } catch (error) {
      // Such as a folder of that name, or a disk that fails.
      if (!(error instanceof ScaloraError)) this.problem = `The record cannot be read: ${messageOf(error)}`;
      else this.problem = error.message;
      this.version += 1;
    } finally {
      await file.close();
    }
  }

  private async readFrom(file: FileHandle): Promise<void> {
    const { size, mtimeMs, isFile } = await fileState(file);
    if (!isFile) throw new Error("it is no file");
    const state = `${size} ${mtimeMs}`;
    if (this.problemIn === state) return;
    const isContinued = size >= this.offset && (await this.continues(file));
    if (this.isTooLong && isContinued) return;
    if (this.problem !== null || !isContinued) this.reset();
    this.problemIn = state;
    while (this.offset < size) {
      if (this.hasReachedLimits()) {
        this.isTooLong = true;
        throw this.tooLong(size);
      }
      const room = Math.min(size, this.limits.bytes) - this.offset;
      const piece = Buffer.alloc(Math.min(pieceBytes, room));
      const { bytesRead } = await file.read(piece, 0, piece.length, this.offset);
      if (bytesRead === 0) break;
      this.take(piece.subarray(0, bytesRead));
    }
    this.problemIn = undefined;
  }

  private hasReachedLimits(): boolean {
    return this.offset >= this.limits.bytes || this.events.length >= this.limits.events;
  }

  private tooLong(size: number): ScaloraError {
    return new ScaloraError("format", "The run's record is too long for the board", {
      where: this.path,
      expected: `at most ${formatBytes(this.limits.bytes)} and ${formatCount(this.limits.events)} events`,
      found: formatBytes(size),
      fix: "the curves show its beginning; the list of runs has the present values, and training is not affected",
    });
  }

  /** Whether the bytes before the offset are still those that were read. */
  private async continues(file: FileHandle): Promise<boolean> {
    const found = Buffer.alloc(this.tail.length);
    await file.read(found, 0, found.length, this.offset - found.length);
    return found.equals(this.tail);
  }

  private take(piece: Buffer): void {
    this.offset += piece.length;
    this.tail = Buffer.from(Buffer.concat([this.tail, piece.subarray(-tailBytes)]).subarray(-tailBytes));
    let start = 0;
    for (let end = piece.indexOf(lineFeed); end !== -1; end = piece.indexOf(lineFeed, start)) {
      this.version += 1;
      const line = Buffer.concat([...this.rest, piece.subarray(start, end)]);
      start = end + 1;
      this.setRest();
      this.collector.add(line.toString("utf8"));
    }
    if (start < piece.length) this.setRest([...this.rest, piece.subarray(start)]);
    if (this.restBytes > maxLineBytes)
      throw new ScaloraError("format", "The run's record is damaged", {
        where: this.path,
        found: `a line of more than ${maxLineBytes} bytes`,
      });
  }

  private setRest(rest: Buffer[] = []): void {
    this.rest = rest;
    this.restBytes = rest.reduce((sum, { length }) => sum + length, 0);
  }

  private reset(): void {
    this.collector = new EventCollector(this.path);
    this.offset = 0;
    this.tail = Buffer.alloc(0);
    this.setRest();
    this.problem = null;
    this.isTooLong = false;
    this.problemIn = undefined;
    this.version += 1;
  }
}

async function fileState(file: FileHandle) {
  const stats = await file.stat();
  return { size: stats.size, mtimeMs: stats.mtimeMs, isFile: stats.isFile() };
}

const isMissing = (error: unknown) =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
