import { closeSync, openSync, readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { RunEvent, SampleEvent } from "../run/events.ts";
import { writeFully } from "../util/files.ts";
import { crc32c } from "./crc32c.ts";
import {
  booleanMember,
  bytesField,
  doubleField,
  doubleMember,
  type EncodedField,
  floatMember,
  integerField,
  message,
} from "./protobuf.ts";
import { eventScalars } from "./scalars.ts";
import type { OpenTracker, Setting, TrackedRun, Tracker } from "./tracker.ts";

// Field numbers and enums are those of TensorBoard's own schemas: tensorboard/compat/proto/{event,summary,tensor}.proto and
// tensorboard/plugins/hparams/{api,plugin_data}.proto.

const dataType = { float: 1, string: 7 } as const;
const hparamType = { string: 1, boolean: 2, number: 3 } as const;
const sessionStatus = { success: 1, failure: 2 } as const;

const filePrefix = "events.out.tfevents.";

/** TensorBoard: one event file in the run's folder, so that `tensorboard --logdir runs` shows all runs by their names. */
export const openTensorBoard: OpenTracker = (run) => {
  for (const name of readdirSync(run.path))
    if (name.startsWith(filePrefix)) rmSync(join(run.path, name), { force: true });
  const seconds = String(Math.floor(run.startedAt.getTime() / 1000)).padStart(10, "0");
  const file = join(run.path, `${filePrefix}${seconds}.${hostname()}.${process.pid}.0`);
  return new TensorBoardFile(file, run);
};

class TensorBoardFile implements Tracker {
  private readonly descriptor: number;
  private sampleStep = -1;
  private sampleNumber = 0;

  constructor(file: string, run: TrackedRun) {
    this.descriptor = openSync(file, "w");
    const started = run.startedAt.getTime() / 1000;
    this.write(run.startedAt, bytesField(3, "brain.Event:2"));
    this.writeSummary(0, run.startedAt, [hparamsValue("experiment", experiment(run.settings, started))]);
    const start = message(...settingFields(run.settings), doubleField(5, started));
    this.writeSummary(0, run.startedAt, [hparamsValue("session_start_info", bytesField(3, start))]);
  }

  record(event: RunEvent, time: Date): void {
    const values = eventScalars(event).map(([name, value]) =>
      bytesField(1, message(bytesField(1, name), floatMember(2, value))),
    );
    if (values.length > 0) this.writeSummary(event.step, time, values);
    if (event.type === "sample") this.writeSample(event, time);
    if (event.type === "end") {
      const status = event.reason === "failed" ? sessionStatus.failure : sessionStatus.success;
      const end = message(integerField(1, status), doubleField(2, time.getTime() / 1000));
      this.writeSummary(0, time, [hparamsValue("session_end_info", bytesField(4, end))]);
    }
  }

  complete(): void {
    // The file is complete after each event.
  }

  close(): void {
    closeSync(this.descriptor);
  }

  /** The samples of a step are numbered in their order, which is the same at each step. */
  private writeSample({ step, prompt, output }: SampleEvent, time: Date): void {
    this.sampleNumber = step === this.sampleStep ? this.sampleNumber + 1 : 1;
    this.sampleStep = step;
    const metadata = bytesField(1, bytesField(1, "text"));
    const tensor = message(
      integerField(1, dataType.string),
      bytesField(2, ""),
      bytesField(8, prompt + output),
    );
    this.writeSummary(step, time, [
      bytesField(
        1,
        message(
          bytesField(1, `samples/${this.sampleNumber}`),
          bytesField(8, tensor),
          bytesField(9, metadata),
        ),
      ),
    ]);
  }

  private writeSummary(step: number, time: Date, values: readonly EncodedField[]): void {
    this.write(time, integerField(2, step), bytesField(5, message(...values)));
  }

  /** Writes an event as one TFRecord, in one call: a reader sees whole records. */
  private write(time: Date, ...fields: readonly EncodedField[]): void {
    writeFully(this.descriptor, tfRecord(message(doubleField(1, time.getTime() / 1000), ...fields)));
  }
}

/** A record of a TFRecord file: length, its checksum, the data, their checksum. */
function tfRecord(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}

/** As TFRecord stores checksums: rotated by 15 bits, plus a constant (tensorflow/core/lib/hash/crc32c.h). */
function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A value of the hparams plug-in: an empty tensor whose metadata hold the content. @param content a field of HParamsPluginData */
function hparamsValue(kind: string, content: EncodedField): EncodedField {
  const tensor = message(integerField(1, dataType.float), bytesField(2, bytesField(2, "")));
  const metadata = bytesField(1, message(bytesField(1, "hparams"), bytesField(2, content)));
  return bytesField(
    1,
    message(bytesField(1, `_hparams_/${kind}`), bytesField(8, tensor), bytesField(9, metadata)),
  );
}

/** The keys of the recipe, and the metrics to compare runs by. */
function experiment(settings: TrackedRun["settings"], started: number): EncodedField {
  const infos = sorted(settings).map(([name, value]) =>
    bytesField(4, message(bytesField(1, name), integerField(4, settingType(value)))),
  );
  const metrics = ["train/loss", "eval/loss"].map((name) =>
    bytesField(5, bytesField(1, bytesField(2, name))),
  );
  return bytesField(2, message(doubleField(3, started), ...infos, ...metrics));
}

const settingFields = (settings: TrackedRun["settings"]): EncodedField[] =>
  sorted(settings).map(([name, value]) =>
    bytesField(1, message(bytesField(1, name), bytesField(2, protobufValue(value)))),
  );

const sorted = (settings: TrackedRun["settings"]) => [...settings].sort(([a], [b]) => (a < b ? -1 : 1));

function settingType(value: Setting): number {
  if (typeof value === "string") return hparamType.string;
  return typeof value === "boolean" ? hparamType.boolean : hparamType.number;
}

/** A `google.protobuf.Value`. */
function protobufValue(value: Setting): EncodedField {
  if (typeof value === "string") return bytesField(3, value);
  return typeof value === "boolean" ? booleanMember(4, value) : doubleMember(2, value);
}
