import { ScaloraError } from "../util/errors.ts";

/** An error in the command's arguments. */
export function usageError(what: string, expected?: string, fix?: string): ScaloraError {
  return new ScaloraError("usage", what, { expected, fix });
}
