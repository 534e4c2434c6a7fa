import { quote } from "./quote.ts";

/**
 * The error codes of the project. A code tells who has to fix the error:
 * - `usage`, `config`, `data`, `format`, `model`: the user's input is invalid (exit code 2);
 * - `tensor`: an operator was called with an invalid argument;
 * - `run`: a run could not continue (non-finite values, a folder that cannot be written) (exit code 1);
 * - `setup`: libtorch or the addon is missing or does not load (exit code 1);
 * - `internal`: our own fault (exit code 1).
 */
export type ErrorCode =
  | "usage"
  | "config"
  | "data"
  | "format"
  | "model"
  | "tensor"
  | "run"
  | "setup"
  | "internal";

const badInput: ReadonlySet<ErrorCode> = new Set(["usage", "config", "data", "format", "model"]);

/** Details of an error, each on its own line when printed. */
export interface ErrorDetails {
  /** File, line, key, tensor or operator. */
  where?: string | undefined;
  expected?: string | undefined;
  found?: string | undefined;
  /** What to do about it. */
  fix?: string | undefined;
  cause?: unknown;
}

/** Characters of a detail in a message, and of what comes before the details (a recipe's problems, all of them). */
const maxDetail = 1000;
const maxWhat = 100_000;

/**
 * Every error that scalora throws on purpose. Its `message` includes where, expected, found and fix, cut to a length that can be
 * read and without control characters; the fields are as they were given.
 */
export class ScaloraError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly fix: string | undefined;

  constructor(code: ErrorCode, what: string, details: ErrorDetails = {}) {
    super(describe(what, details), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "ScaloraError";
    this.code = code;
    this.where = details.where;
    this.expected = details.expected;
    this.found = details.found;
    this.fix = details.fix;
  }

  /** 2 when the user's input is invalid, 1 otherwise; that of a signal where the error stands for one. */
  get exitCode(): number {
    return badInput.has(this.code) ? 2 : 1;
  }
}

function describe(what: string, { where, expected, found, fix }: ErrorDetails): string {
  const lines = [quote(what, maxWhat)];
  for (const [label, text] of Object.entries({ where, expected, found, fix }))
    if (text !== undefined) lines.push(`  ${`${label}:`.padEnd(10)}${detail(text)}`);
  return lines.join("\n");
}

/** Continuation lines are indented, so that none looks like another detail. */
const detail = (text: string) => quote(text, maxDetail).replaceAll("\n", `\n${" ".repeat(12)}`);

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error for a state that only a bug of ours can reach. */
export function internalError(what: string): ScaloraError {
  return new ScaloraError("internal", `internal: ${what}`, {
    fix: "this is a bug in scalora; please report it",
  });
}
