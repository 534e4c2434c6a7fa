import { type ErrorDetails, ScaloraError } from "../util/errors.ts";

/** The error of a GGUF file that is damaged, inconsistent or not supported. */
export function ggufFormatError(
  where: string,
  what: string,
  details: Omit<ErrorDetails, "where">,
): ScaloraError {
  return new ScaloraError("format", what, { where, ...details });
}
