import { type ChildProcess, fork } from "node:child_process";
import { closeSync, fstatSync, readSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { formatBytes, formatDuration } from "../../util/format.ts";
import { isRecord } from "../../util/json.ts";
import { openFile } from "../../util/read-file.ts";
import type { DataRow } from "../jsonl.ts";
import type { TableRow } from "./decoder-messages.ts";

/** What decoding a file may take. */
export interface DecodeLimits {
  /** Seconds of processor time until the next rows are there. */
  readonly seconds: number;
  /** Bytes of memory of the decoding process. */
  readonly memory: number;
}

/** Generous for any sound file: decoding takes some 20 ms a MiB, and the memory of one row group. */
const limitsFor = (bytes: number): DecodeLimits => ({
  seconds: 10 + bytes / 2 ** 20,
  memory: 2 ** 30 + 32 * bytes,
});

/**
 * The rows of a Parquet file (uncompressed or Snappy), counted from 1. It is decoded in another process, row group by row
 * group, because a damaged file can make the decoder hang, run out of memory or abort.
 * @param options `limits`: by default by the file's size; `signal` ends the reading, and its reason is thrown
 * @throws ScaloraError `data` naming the file when it cannot be read within them
 */
export async function* readParquet(
  path: string,
  options: { readonly limits?: DecodeLimits; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<DataRow> {
  const size = checkMagic(path);
  const { limits = limitsFor(size), signal } = options;
  using decoder = new ParquetDecoder(path, limits, signal);
  let line = 0;
  for (let rows = await decoder.next(); rows !== undefined; rows = await decoder.next())
    for (const value of rows) yield { line: ++line, value };
}

/** The process that decodes a file. */
class ParquetDecoder implements Disposable {
  private readonly path: string;
  private readonly limits: DecodeLimits;
  private readonly signal: AbortSignal | undefined;
  private readonly process: ChildProcess;

  constructor(path: string, limits: DecodeLimits, signal: AbortSignal | undefined) {
    this.signal = signal;
    this.path = path;
    this.limits = limits;
    const program = new URL(`./decode-process${extname(import.meta.url)}`, import.meta.url);
    this.process = fork(fileURLToPath(program), [path, String(limits.memory), String(limits.seconds)], {
      execArgv: [`--max-old-space-size=${Math.ceil(limits.memory / 2 ** 20)}`],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    // While no answer is awaited; `answer()` reports the others.
    this.process.on("error", () => {});
  }

  /**
   * The next rows; undefined at the end.
   * @throws ScaloraError `data`
   */
  async next(): Promise<TableRow[] | undefined> {
    const answer = await this.answer();
    if (!isRecord(answer) || typeof answer["error"] === "string")
      throw this.unreadable(isRecord(answer) ? String(answer["error"]) : "the decoder ended");
    const rows: unknown = answer["rows"];
    return Array.isArray(rows) ? rows.filter(isRecord) : undefined;
  }

  [Symbol.dispose](): void {
    this.process.kill("SIGKILL");
  }

  private answer(): Promise<unknown> {
    const { process, signal } = this;
    signal?.throwIfAborted();
    const listening = new AbortController();
    const answer = new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), listening);
      const on = (event: string, listener: (...args: [unknown, unknown]) => void) => {
        process.on(event, listener);
        listening.signal.addEventListener("abort", () => process.off(event, listener));
      };
      on("message", resolve);
      on("error", (error) => reject(this.unreadable(messageOf(error), error)));
      on("exit", (code, signal) => reject(this.unreadable(this.endText(code, signal))));
      process.send("next");
    });
    return answer.finally(() => listening.abort());
  }

  /** Why the process ended by itself. */
  private endText(code: unknown, signal: unknown): string {
    const { memory, seconds } = this.limits;
    const cause = "sizes or encoded values in it are wrong";
    // V8 aborts where it reaches its own limit first.
    if (["SIGKILL", "SIGABRT", "SIGTRAP"].includes(String(signal)))
      return `more than ${formatBytes(memory)} of memory to decode it: ${cause}`;
    if (signal === "SIGXCPU") return `no rows after ${formatDuration(seconds)} of decoding: ${cause}`;
    return `the decoder broke off (${signal ?? `exit code ${code}`}): ${cause}`;
  }

  private unreadable(found: string, cause?: unknown): ScaloraError {
    return new ScaloraError("data", "A Parquet file cannot be read", {
      where: this.path,
      expected: "Parquet, uncompressed or compressed with Snappy",
      found,
      fix: "download or write it again, or write it as JSONL",
      cause,
    });
  }
}

/**
 * Checks that the file begins and ends with `PAR1`; an incomplete download lacks the latter.
 * @returns its size in bytes
 */
function checkMagic(path: string): number {
  const { first, last, size } = readEnds(path);
  if (first === "PAR1" && last === "PAR1" && size >= 12) return size;
  const isCut = first === "PAR1";
  throw new ScaloraError("data", isCut ? "A Parquet file is damaged" : "This is not a Parquet file", {
    where: path,
    expected: "PAR1 at its beginning and at its end",
    found: isCut ? `${size} bytes, the end is missing` : `${JSON.stringify(first)} at its beginning`,
    fix: isCut
      ? "download or write it again"
      : "give it the ending of its format (.jsonl, .json, .csv, .tsv)",
  });
}

/** The first and the last four bytes of a file, as Latin-1. */
function readEnds(path: string): { first: string; last: string; size: number } {
  let descriptor: number;
  try {
    descriptor = openFile(path);
  } catch (cause) {
    throw new ScaloraError("data", "A data file cannot be opened", {
      where: path,
      found: messageOf(cause),
      fix: "check the path (relative paths start at the folder where the command runs)",
      cause,
    });
  }
  try {
    const { size } = fstatSync(descriptor);
    const four = (position: number) => {
      const bytes = Buffer.alloc(4);
      return bytes.toString("latin1", 0, readSync(descriptor, bytes, 0, 4, position));
    };
    return { first: four(0), last: four(Math.max(0, size - 4)), size };
  } finally {
    closeSync(descriptor);
  }
}
