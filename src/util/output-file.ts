import { messageOf, ScaloraError } from "./errors.ts";
import { writeFileAtomic } from "./files.ts";

/** Writes a file of results, atomically. @throws ScaloraError `run` when it cannot be written */
export function writeOutputFile(path: string, content: string): void {
  try {
    writeFileAtomic(path, content);
  } catch (cause) {
    throw new ScaloraError("run", "The file cannot be written", {
      where: path,
      found: messageOf(cause),
      fix: "make room or permissions there, and run the command again",
      cause,
    });
  }
}
