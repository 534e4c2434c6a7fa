import { readFileSync } from "node:fs";
import { ScaloraError } from "../util/errors.ts";

/** Files of a run's folder that scalora writes and reads by name. */
export const runFiles = {
  config: "config.yaml",
  status: "status.json",
  events: "events.jsonl",
  control: "control.json",
} as const;

/** The version of the run folder's files that this scalora writes, and the only one that it reads. */
export const recordVersion = 1;

/**
 * @param version what a file says of itself; absent in files of before there were versions, which are of version 1
 * @throws ScaloraError `format` for a version that this scalora does not know
 */
export function assertKnownVersion(version: number | undefined, where: string): void {
  if (version === undefined || version === recordVersion) return;
  throw new ScaloraError("format", "A newer scalora wrote this run's record", {
    where,
    expected: `version ${recordVersion}`,
    found: `version ${version}`,
    fix: "use the scalora that wrote it, or a newer one: npm install scalora@latest",
  });
}

/** A file's text; undefined where there is none, or it cannot be read. */
export function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** What JSON a text holds; undefined where it holds none. */
export function parseOptional(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
