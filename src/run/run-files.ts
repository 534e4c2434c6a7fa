import { ScaloraError } from "../util/errors.ts";
import { isNestedDeeper } from "../util/nesting.ts";
import { readFileBytes } from "../util/read-file.ts";

/** Names of the files in a run's folder. */
export const runFiles = {
  config: "config.yaml",
  status: "status.json",
  events: "events.jsonl",
  control: "control.json",
  /** Folder of the rows that a program trains on; written before the configuration. */
  rows: ".rows",
  /** Held by the process that trains the run. */
  lock: ".lock",
} as const;

/** The format version of the run folder's files: the one that is written, and the only one that is read. */
export const recordVersion = 1;

/**
 * @param version the version in a file; absent in old files, which are version 1
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

/** Size of a file of a run other than `events.jsonl`; they have a few kB. */
const maxFileBytes = 1 << 24;

/** A file's text; undefined when it cannot be read, as what is no file or has more than `maxFileBytes`. */
export function readOptional(path: string): string | undefined {
  try {
    return readFileBytes(path, maxFileBytes).toString("utf8");
  } catch {
    return undefined;
  }
}

/** A text parsed as JSON; undefined when it is not JSON, or nested deeper than any record is. */
export function parseOptional(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isNestedDeeper(value) ? undefined : value;
  } catch {
    return undefined;
  }
}
