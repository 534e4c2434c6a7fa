import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../util/files.ts";
import { parseOptional, recordVersion, runFiles } from "./run-files.ts";

/** What `control.json` holds. */
export const controlSchema = z.object({
  version: z.literal(recordVersion).optional().describe("Version of the format; absent: 1"),
  command: z
    .enum(["pause", "continue", "stop", "checkpoint"])
    .describe("What the run does before its next step; a pause lasts until `continue` or `stop`"),
});

export type ControlCommand = z.output<typeof controlSchema>["command"];

/**
 * Sends a command to a run, which reads it between two steps.
 * @param path the run's folder
 */
export function requestControl(path: string, command: ControlCommand): void {
  const text = `${JSON.stringify({ version: recordVersion, command })}\n`;
  writeFileAtomic(join(path, runFiles.control), text);
}

/** The command in the text of a `control.json`; undefined when this version knows no such command. */
export function parseControl(text: string): ControlCommand | undefined {
  return controlSchema.safeParse(parseOptional(text)).data?.command;
}
