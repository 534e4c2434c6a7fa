import { appendFileSync, closeSync, fstatSync, rmSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { cannotWrite } from "../util/cannot-write.ts";
import { ScaloraError } from "../util/errors.ts";
import { makeFolders, writeFileAtomic } from "../util/files.ts";
import { isRecord } from "../util/json.ts";
import { refuseNamedPipe } from "../util/output-file.ts";
import { openFile, statsOf } from "../util/read-file.ts";
import { readLines, readPieces } from "../util/read-lines.ts";

/** Result of one example; a line of the log. */
export interface ExampleResult {
  /** The task, or the kind of a classifier: `classification` or `regression`. */
  readonly task: string;
  /** Index of the example among those evaluated, from 0. */
  readonly index: number;
  /** Hash of everything the result depends on: the model, the settings, the prompt. */
  readonly key: string;
  /** `file:line` */
  readonly source: string;
  /** 0 or 1 for each metric; the squared error of a regression. */
  readonly scores: Readonly<Record<string, number>>;
  readonly expected: string;
  /**
   * What was predicted: the answer found in the output, null when there is none; that of the likeliest choice (by `acc`); a
   * classifier's class or number.
   */
  readonly answer: string | null;
  readonly output?: string;
  readonly tokens?: number;
  readonly ended?: "end" | "length" | "stop";
  /** Log-likelihoods of the choices, in nats. */
  readonly logLikelihoods?: readonly number[];
  /** Whether the beginning of the prompt was truncated. */
  readonly truncated?: boolean;
}

/** Results of examples as JSON lines, appended one by one; an evaluation reuses the results that the file holds. */
export class ResultLog implements Disposable {
  private readonly path: string | undefined;
  /** Whether the file is new. */
  private readonly isNew: boolean;
  private readonly assertHeld: () => void;
  private readonly resultsByExample = new Map<string, ExampleResult>();

  /**
   * @param path file that is created or appended to; without one nothing is written
   * @param assertHeld throws when another process writes into the file by now
   * @throws ScaloraError `usage` when the file cannot be used
   */
  constructor(path?: string, assertHeld: () => void = () => {}) {
    this.path = path;
    this.isNew = path !== undefined && statsOf(path) === undefined;
    this.assertHeld = assertHeld;
    if (path === undefined) return;
    tryFile(path, () => refuseNamedPipe(path));
    if (statsOf(path)?.isFile()) this.read(path);
    else tryFile(path, () => makeFolders(dirname(path)));
    tryFile(path, () => appendFileSync(path, ""));
  }

  /**
   * The earlier result of an example, if any.
   * @throws ScaloraError `usage` when it is of another model or other settings
   */
  find(task: string, index: number, key: string): ExampleResult | undefined {
    const found = this.resultsByExample.get(`${task} ${index}`);
    if (found === undefined || found.key === key) return found;
    throw new ScaloraError("usage", "The results belong to another model, other settings or other data", {
      where: this.path,
      found: `${task} example ${index + 1} with another key`,
      fix: "give a new file as predictions (--predictions)",
    });
  }

  add(result: ExampleResult): void {
    const { path } = this;
    if (path === undefined) return;
    this.assertHeld();
    this.resultsByExample.set(`${result.task} ${result.index}`, result);
    tryFile(path, () => appendFileSync(path, lineOf(result)));
  }

  /** Replaces the results of these examples; the file is rewritten when one differs. */
  replaceResults(results: readonly ExampleResult[]): void {
    const { path, resultsByExample } = this;
    const changed = results.filter(
      (result) => !isDeepStrictEqual(resultsByExample.get(`${result.task} ${result.index}`), result),
    );
    if (path === undefined || changed.length === 0) return;
    this.assertHeld();
    for (const result of changed) resultsByExample.set(`${result.task} ${result.index}`, result);
    tryFile(path, () => writeFileAtomic(path, [...resultsByExample.values()].map(lineOf).join("")));
  }

  /** Removes a new file into which nothing was written. */
  [Symbol.dispose](): void {
    const { path, isNew } = this;
    if (path !== undefined && isNew && statsOf(path)?.size === 0) rmSync(path);
  }

  /** Reads the results, and removes a last line that a crash left incomplete. */
  private read(path: string): void {
    const descriptor = tryFile(path, () => openFile(path));
    try {
      const { size } = fstatSync(descriptor);
      const lines = readLines(readPieces(descriptor));
      let end = 0;
      for (let number = 1; ; number++) {
        const line = tryFile(path, () => lines.next());
        if (line.done) break;
        const [text, where] = [line.value.toString("utf8"), `${path}:${number}`];
        if (end + line.value.length >= size) {
          if (!isBeginning(text)) throw noResult(text, where);
          break;
        }
        const result = parseResult(text, where);
        this.resultsByExample.set(`${result.task} ${result.index}`, result);
        end += line.value.length + 1;
      }
      if (end < size) tryFile(path, () => truncateSync(path, end));
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Every line begins with the task: what else has no line feed at its end is somebody's file, not a line that was cut short. */
export const lineOf = ({ task, ...rest }: ExampleResult) => `${JSON.stringify({ task, ...rest })}\n`;
const lineStart = '{"task":';
const isBeginning = (text: string) => text.startsWith(lineStart) || lineStart.startsWith(text);

function tryFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw cannotWrite("The file of results cannot be used", path, {
      cause,
      otherwise: "give another file as predictions (--predictions)",
      code: "usage",
    });
  }
}

/** @throws ScaloraError `usage` for a text that is no result */
export function parseResult(line: string, where: string): ExampleResult {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (isResult(value)) return value;
  throw noResult(line, where);
}

function noResult(line: string, where: string): ScaloraError {
  return new ScaloraError("usage", "A line is not a result of an evaluation", {
    where,
    found: line.slice(0, 60),
    fix: "give a new file as predictions (--predictions), or one that an evaluation wrote",
  });
}

function isResult(value: unknown): value is ExampleResult {
  return (
    isRecord(value) &&
    typeof value["task"] === "string" &&
    Number.isSafeInteger(value["index"]) &&
    typeof value["key"] === "string" &&
    isRecord(value["scores"]) &&
    Object.values(value["scores"]).every((score) => typeof score === "number")
  );
}
