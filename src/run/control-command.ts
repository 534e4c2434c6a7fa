import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { cannotWrite } from "../util/cannot-write.ts";
import { ScaloraError } from "../util/errors.ts";
import { writeFileAtomic } from "../util/files.ts";
import { parseOptional, recordVersion, runFiles } from "./run-files.ts";

/** The commands to a running process. */
export const controlCommands = ["pause", "continue", "stop", "checkpoint"] as const;

/** What `control.json` holds. */
export const controlSchema = z.object({
  version: z.literal(recordVersion).optional().describe("Version of the format; absent: 1"),
  command: z
    .enum(controlCommands)
    .describe("What the run does before its next step; a pause lasts until `continue` or `stop`"),
});

/** A command to a running process: `pause`, `continue`, `stop` or `checkpoint`. */
export type ControlCommand = z.output<typeof controlSchema>["command"];

/**
 * Sends a command to a run, which reads it between two steps.
 * @param path the run's folder
 * @throws ScaloraError `usage` where there is no run, `run` where its folder cannot be written
 */
export function requestControl(path: string, command: ControlCommand): void {
  const text = `${JSON.stringify({ version: recordVersion, command })}\n`;
  if (!existsSync(join(path, runFiles.config)))
    throw new ScaloraError("usage", "There is no run here to command", {
      where: path,
      expected: `the folder of a run, with its ${runFiles.config}`,
      fix: "`npx scalora ls runs` lists the runs",
    });
  try {
    writeFileAtomic(join(path, runFiles.control), text);
  } catch (cause) {
    throw cannotWrite("Cannot command the run", join(path, runFiles.control), { cause });
  }
}

const versioned = z.object({ version: z.number() });

/** The command in the text of a `control.json`, or a warning explaining why it is not valid. */
export function parseControl(text: string): { command: ControlCommand } | { warning: string } {
  const content = parseOptional(text);
  const version = versioned.safeParse(content).data?.version;
  if (version !== undefined && version !== recordVersion) return { warning: unknownVersion(version) };
  const command = controlSchema.safeParse(content).data?.command;
  if (command !== undefined) return { command };
  return { warning: `control.json holds an unknown command: ${text.slice(0, 200)}` };
}

const unknownVersion = (version: number) =>
  `control.json ignored: a newer scalora wrote it (version ${version}, expected ${recordVersion}); send the command with the scalora that trains the run`;
