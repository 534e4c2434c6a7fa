import type { JobResult } from "./job.ts";

/**
 * What is wrong with the way in which a process was refused; undefined where it says what happened, where, and what to do or what is expected.
 * @param says what the message has to tell
 */
export function faultOf({ results, signal }: JobResult, says = ""): string | undefined {
  const [result] = results;
  if (result === undefined) return `ended by signal ${signal}`;
  const { code, stderr } = result;
  const message = stderr.slice(stderr.indexOf("error: "));
  if (code !== 1 && code !== 2) return `ended with status ${code}: ${stderr}`;
  // The problems of a recipe say what is expected.
  const cure = message.includes("  fix: ") ? "  fix: " : "  expected: ";
  const lacks = ["error: ", "  where: ", cure, says].filter((part) => !message.includes(part));
  if (lacks.length > 0) return `the message does not tell ${JSON.stringify(lacks)}: ${message}`;
  return message.includes("internal") ? `an internal error: ${message}` : undefined;
}
