import { closeSync, openSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import type { RunEvent } from "../run/events.ts";
import { makeFolders, writeFully } from "../util/files.ts";
import { bytesField, type EncodedField, integerField, message } from "./protobuf.ts";
import { eventScalars } from "./scalars.ts";
import type { OpenTracker, TrackedRun, Tracker } from "./tracker.ts";

// Field numbers are those of wandb's wandb/proto/wandb_internal.proto; records are framed as in LevelDB's log, with wandb's
// own header (core/pkg/leveldb).

const project = "scalora";
const blockSize = 32_768;
const headerSize = 7;
/** Kinds of a record's pieces: whole, first, middle, last. */
const piece = { whole: 1, first: 2, middle: 3, last: 4 } as const;
const field = { history: 2, summary: 3, run: 17, exit: 18, header: 21 } as const;

/** Weights & Biases: an offline run next to the run's folder, which `wandb sync` uploads. */
export const openWandb: OpenTracker = (run) => {
  const id = run.id.slice(0, 8);
  const stamp = run.startedAt.toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "_");
  const folder = join(dirname(run.path), "wandb", `offline-run-${stamp}-${id}`);
  rmSync(folder, { recursive: true, force: true });
  makeFolders(join(folder, "files"));
  return new WandbRun(join(folder, `run-${id}.wandb`), id, run);
};

class WandbRun implements Tracker {
  private readonly descriptor: number;
  private readonly startedAt: Date;
  /** Bytes written so far. */
  private position = 0;
  private records = 0;
  /** Values of the present step: wandb keeps one row for a step. */
  private row = new Map<string, string>();
  private rowStep = 0;
  private exitCode = 0;
  private samples = 0;

  constructor(file: string, id: string, run: TrackedRun) {
    this.startedAt = run.startedAt;
    this.descriptor = openSync(file, "w");
    this.writeBytes(Buffer.from([...Buffer.from(":W&B"), 0xe1, 0xbe, 0]));
    const versions = message(bytesField(1, "scalora"), bytesField(2, "0.70.0"));
    this.write(field.header, bytesField(1, versions));
    this.write(field.run, runRecord(id, run));
  }

  record(event: RunEvent, time: Date): void {
    if (event.type === "end") this.exitCode = event.reason === "failed" ? 1 : 0;
    const scalars = eventScalars(event);
    if (scalars.length === 0 && event.type !== "sample") return;
    if (event.step !== this.rowStep) this.writeRow();
    this.rowStep = event.step;
    for (const [name, value] of scalars) this.set(name, String(value), time);
    if (event.type === "sample")
      this.set(`samples/${++this.samples}`, JSON.stringify(event.prompt + event.output), time);
  }

  complete(): void {
    this.writeRow();
    this.write(field.exit, integerField(1, this.exitCode));
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** @param value JSON, with NaN and Infinity as wandb writes them */
  private set(name: string, value: string, time: Date): void {
    this.row.set(name, value);
    this.row.set("_timestamp", String(time.getTime() / 1000));
    this.row.set("_runtime", String((time.getTime() - this.startedAt.getTime()) / 1000));
  }

  private writeRow(): void {
    const { row, rowStep } = this;
    [this.row, this.samples] = [new Map(), 0];
    if (row.size === 0) return;
    const items = [...row, ["_step", String(rowStep)] as const].map(([name, value]) =>
      bytesField(1, message(bytesField(2, name), bytesField(16, value))),
    );
    this.write(field.summary, message(...items));
    this.write(field.history, message(...items, bytesField(2, integerField(1, rowStep))));
  }

  private write(kind: number, content: EncodedField): void {
    this.records++;
    const record = message(integerField(1, this.records), bytesField(kind, content));
    this.writeBytes(frame(record, this.position));
  }

  private writeBytes(bytes: Uint8Array): void {
    writeFully(this.descriptor, bytes);
    this.position += bytes.length;
  }
}

function runRecord(id: string, { name, startedAt, settings }: TrackedRun): EncodedField {
  const config = [...settings].map(([key, value]) =>
    bytesField(1, message(bytesField(1, key), bytesField(16, JSON.stringify(value)))),
  );
  const [seconds, milliseconds] = [Math.floor(startedAt.getTime() / 1000), startedAt.getTime() % 1000];
  const started = message(integerField(1, seconds), integerField(2, milliseconds * 1_000_000));
  return message(
    bytesField(1, id),
    bytesField(3, project),
    bytesField(4, message(...config)),
    bytesField(8, name),
    bytesField(13, hostname()),
    bytesField(17, started),
  );
}

/**
 * A record as pieces that do not cross blocks of 32 KiB; each has checksum, length and kind before it.
 * @param position of the record in the file
 */
function frame(record: Uint8Array, position: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = position;
  let start = 0;
  do {
    const left = blockSize - (at % blockSize);
    if (left < headerSize) {
      parts.push(Buffer.alloc(left));
      at += left;
      continue;
    }
    const end = Math.min(record.length, start + left - headerSize);
    parts.push(framePiece(record.subarray(start, end), pieceKind(start === 0, end === record.length)));
    at += headerSize + end - start;
    start = end;
  } while (start < record.length);
  return Buffer.concat(parts);
}

function pieceKind(isFirst: boolean, isLast: boolean): number {
  if (isFirst) return isLast ? piece.whole : piece.first;
  return isLast ? piece.last : piece.middle;
}

function framePiece(data: Uint8Array, kind: number): Uint8Array {
  const header = Buffer.alloc(headerSize);
  header.writeUInt32LE(crc32(data, crc32(Buffer.from([kind]))), 0);
  header.writeUInt16LE(data.length, 4);
  header.writeUInt8(kind, 6);
  return Buffer.concat([header, data]);
}
