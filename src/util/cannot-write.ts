import { type ErrorCode, messageOf, ScaloraError } from "./errors.ts";
import { codeOf } from "./files.ts";

/** What to do about an error of the file system. */
const cures: ReadonlyMap<string | undefined, string> = new Map([
  ["EACCES", "give yourself permission to write there"],
  ["EPERM", "give yourself permission to write there"],
  ["EROFS", "mount that disk for writing: it is read-only"],
  ["ENOSPC", "free disk space there"],
  ["EDQUOT", "free disk space there: your quota is used up"],
  ["EISDIR", "remove or rename what has this name: it is a folder"],
  ["ENOTDIR", "remove or rename what the path goes through: it is a file, no folder"],
  ["ENOENT", "make the folder above it, if the system lets you"],
  ["ENAMETOOLONG", "give it a shorter name"],
  ["EIO", "look whether the disk fails"],
]);

/**
 * The error for a file or folder that cannot be written.
 * @param cause the system's error, whose code tells the cure; or another, whose message is enough
 * @param otherwise what else can be done: `choose another folder`
 * @param afterwards what to do once it can be written, if that is not to try again
 */
export function cannotWrite(
  what: string,
  where: string,
  {
    cause,
    otherwise,
    afterwards = "try again",
    code = "run",
  }: { cause: unknown; otherwise?: string; afterwards?: string; code?: ErrorCode },
): ScaloraError {
  const cure = cures.get(codeOf(cause));
  const fix =
    cure === undefined
      ? (otherwise ?? afterwards)
      : `${cure}, ${otherwise === undefined ? `and ${afterwards}` : `or ${otherwise}`}`;
  return new ScaloraError(code, what, { where, found: messageOf(cause), fix, cause });
}
