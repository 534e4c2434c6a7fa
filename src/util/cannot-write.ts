import { type ErrorCode, messageOf, ScaloraError } from "./errors.ts";

/** The error for a file or folder that cannot be written. @param otherwise what else can be done: `choose another folder` */
export function cannotWrite(
  what: string,
  where: string,
  { cause, otherwise, code = "run" }: { cause: unknown; otherwise?: string; code?: ErrorCode },
): ScaloraError {
  const next = otherwise === undefined ? "and run the command again" : `or ${otherwise}`;
  const fix = `free disk space or change the permissions there, ${next}`;
  return new ScaloraError(code, what, { where, found: messageOf(cause), fix, cause });
}
