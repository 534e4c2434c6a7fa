import { expect } from "vitest";
import type { ErrorCode } from "../util/errors.ts";

/** The fields of an error that a test can check; `message` for values that are in no other field. */
type Part = "where" | "expected" | "found" | "fix" | "message";

export type RefusalParts = Readonly<Partial<Record<Part, string | RegExp>>>;

/** For `toThrow`: a ScaloraError with this code, whose fields contain these texts or match these patterns. */
export function refusal(code: ErrorCode, parts: RefusalParts = {}) {
  const fields = Object.entries(parts).map(([name, part]) => [
    name,
    typeof part === "string" ? expect.stringContaining(part) : expect.stringMatching(part),
  ]);
  return expect.objectContaining({ code, ...Object.fromEntries(fields) });
}

/** Exact texts of fields, or matchers; `where` follows the path of the file, `message` is a part of the message. */
export interface FileRefusal {
  readonly where?: string;
  readonly expected?: unknown;
  readonly found?: unknown;
  readonly fix?: unknown;
  readonly message?: string;
}

/** For `toThrow`: a ScaloraError about a file or a place in it, with exactly these fields. */
export function fileRefusal(
  code: ErrorCode,
  path: string,
  { where = "", message = "", ...fields }: FileRefusal = {},
) {
  return expect.objectContaining({
    code,
    where: `${path}${where}`,
    message: expect.stringContaining(message),
    ...fields,
  });
}
