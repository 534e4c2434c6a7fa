import { expect } from "vitest";
import type { ErrorCode } from "../util/errors.ts";

/** The fields of an error that a test can check; `message` for values that are in no other field. */
type Part = "where" | "expected" | "found" | "fix" | "message";

/** For `toThrow`: a ScaloraError with this code, whose fields contain these texts or match these patterns. */
export function refusal(code: ErrorCode, parts: Readonly<Partial<Record<Part, string | RegExp>>> = {}) {
  const fields = Object.entries(parts).map(([name, part]) => [
    name,
    typeof part === "string" ? expect.stringContaining(part) : expect.stringMatching(part),
  ]);
  return expect.objectContaining({ code, ...Object.fromEntries(fields) });
}
