import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../util/files.ts";
import { parseOptional, recordVersion, runFiles } from "./run-files.ts";

/** What `control.json` holds. */
export const controlSchema = z.object({
  version: z.literal(recordVersion).optional().describe("Version of the format; absent: 1"),
  command: z
    .enum(["pause", "continue", "stop", "checkpoint"])
    .describe("What the run shall do between two steps; a pause lasts until `continue` or `stop`"),
});

export type ControlCommand = z.output<typeof controlSchema>["command"];

/**
 * Asks a run for something; it looks between its steps.
 * @param path the run's folder
 */
export function requestControl(path: string, command: ControlCommand): void {
  const text = `${JSON.stringify({ version: recordVersion, command })}\n`;
  writeFileAtomic(join(path, runFiles.control), text);
}

/** The command that a `control.json` holds; undefined where it holds none that this version knows. */
export function parseControl(text: string): ControlCommand | undefined {
  return controlSchema.safeParse(parseOptional(text)).data?.command;
}
