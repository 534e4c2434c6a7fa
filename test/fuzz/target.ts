import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutator } from "./mutate/bytes.ts";

/** A reader that is given damaged files. */
export interface Target {
  readonly name: string;
  /** Where an input is written, relative to the folder that `use` is given. */
  readonly file: string;
  /** Valid inputs, of which the others are damaged copies. */
  readonly seeds: readonly Uint8Array[];
  readonly mutate: Mutator;
  /** Whether each input takes a process of its own. */
  readonly isSlow?: boolean;
  /** Writes what an input needs beside it into the folder. */
  readonly prepare?: (folder: string) => void | Promise<void>;
  /**
   * Reads and uses everything of the input.
   * @throws ScaloraError with a code of bad input where the input is refused
   */
  readonly use: (folder: string) => unknown;
}

/** The path of a fixture under `test/golden`. */
export function goldenPath(...parts: string[]): string {
  return join(fileURLToPath(new URL("../golden", import.meta.url)), ...parts);
}

/** The bytes of a fixture under `test/golden`. */
export function golden(...parts: string[]): Uint8Array {
  return readFileSync(goldenPath(...parts));
}

/** A text or a value as JSON, as an input. */
export function bytesOf(content: unknown): Uint8Array {
  return Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
}
