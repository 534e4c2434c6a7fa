import { expect } from "vitest";
import type { ErrorCode } from "../util/errors.ts";

/** Where an error keeps the names, keys and numbers that it is about; `message` for those that no field has. */
type Part = "where" | "expected" | "found" | "fix" | "message";

/** For `toThrow`: an error of scalora with this code, whose fields hold these texts or match these patterns. */
export function refusal(code: ErrorCode, parts: Readonly<Partial<Record<Part, string | RegExp>>> = {}) {
  const fields = Object.entries(parts).map(([name, part]) => [
    name,
    typeof part === "string" ? expect.stringContaining(part) : expect.stringMatching(part),
  ]);
  return expect.objectContaining({ code, ...Object.fromEntries(fields) });
}
