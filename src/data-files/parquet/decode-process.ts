/**
 * Decodes one Parquet file for `read-parquet.ts`, in a process of its own, where a damaged file may hang, run out of memory or
 * make V8 abort. Each message "next" is answered by some rows, by the end, or by what is wrong with the file.
 *
 * Node runs this file as it is: types that can be erased only, and no `using`.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { messageOf } from "../../util/errors.ts";
import { isRecord } from "../../util/json.ts";
import type { DecoderAnswer, TableRow } from "./decoder-messages.ts";

/** Rows of one answer. */
const rowsPerAnswer = 5000;

const [path = "", memoryLimit, secondsLimit] = process.argv.slice(2);
/** Seconds of processor time at the last request, for the watching thread. */
const requested = new Float64Array(new SharedArrayBuffer(8));
const answers = decode(path);
watch(Number(memoryLimit), Number(secondsLimit));
// The reading process decides what a signal to the whole group means.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.on("disconnect", () => process.exit());
process.on("message", async () => {
  const { user, system } = process.cpuUsage();
  requested[0] = (user + system) / 1e6;
  const { value } = await answers.next();
  process.send?.(value ?? { end: true });
});

/** Ends this process, however busy, when the reading one is gone or a limit is exceeded. */
function watch(memory: number, seconds: number): void {
  const code = `const { parent, memory, seconds, requested } = require("node:worker_threads").workerData;
    setInterval(() => {
      const { user, system } = process.cpuUsage();
      if (process.ppid !== parent || process.memoryUsage.rss() > memory) process.kill(process.pid, "SIGKILL");
      if ((user + system) / 1e6 - requested[0] > seconds) process.kill(process.pid, "SIGXCPU");
    }, 50);`;
  const workerData = { parent: process.ppid, memory, seconds, requested };
  new Worker(code, { eval: true, workerData }).unref();
}

async function* decode(path: string): AsyncGenerator<DecoderAnswer> {
  try {
    const file = openBuffer(path);
    const metadata = await readFooter(file);
    let rowStart = 0;
    for (const { num_rows: count } of metadata.row_groups) {
      const rowEnd = rowStart + Number(count);
      const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd });
      for (let first = 0; first < rows.length; first += rowsPerAnswer)
        yield { rows: rows.slice(first, first + rowsPerAnswer).map(plainRow) };
      rowStart = rowEnd;
    }
  } catch (error) {
    yield { error: messageOf(error) };
  }
}

/** The footer; a decoder that stumbles over it says nothing that helps. */
async function readFooter(file: AsyncBuffer): ReturnType<typeof parquetMetadataAsync> {
  try {
    return await parquetMetadataAsync(file);
  } catch (error) {
    const stumbled = error instanceof TypeError || error instanceof RangeError;
    throw stumbled ? new Error("the footer is damaged", { cause: error }) : error;
  }
}

/** A file of which hyparquet reads the parts that it needs. */
function openBuffer(path: string): AsyncBuffer {
  const descriptor = openSync(path, "r");
  const byteLength = fstatSync(descriptor).size;
  process.on("exit", () => closeSync(descriptor));
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, byteLength) - start));
      let done = 0;
      while (done < bytes.length) {
        const count = readSync(descriptor, bytes, done, bytes.length - done, start + done);
        if (count === 0) throw new Error("the file became shorter while it was read");
        done += count;
      }
      return bytes.buffer;
    },
  };
}

/** Converts 64-bit integers to numbers, as in JSON, also within lists and structs. */
function bigintsToNumbers(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(bigintsToNumbers);
  return isStruct(value) ? plainRow(value) : value;
}

function plainRow(row: TableRow): TableRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, bigintsToNumbers(value)]));
}

/** Whether a value is a struct; dates and bytes are objects, but not structs. */
function isStruct(value: unknown): value is TableRow {
  return isRecord(value) && Object.getPrototypeOf(value) === Object.prototype;
}
