import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { formatBytes } from "./format.ts";

/**
 * Opens a regular file for reading and returns its descriptor.
 * @throws Error in plain words for a folder, and for a pipe or a device, since reading those may block or never end; the file
 * system's error otherwise
 */
export function openFile(path: string): number {
  const stats = statsOf(path);
  if (stats?.isFile() === false) throw new Error(`${kindOf(stats)}, not a file`);
  return openSync(path, "r");
}

/** The stats of a path; undefined when nothing is there, or the path is invalid. */
export function statsOf(path: string): Stats | undefined {
  if (path.includes("\0")) return undefined;
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a pipe";
  return stats.isSocket() ? "a socket" : "a device";
}

/**
 * The bytes of a file.
 * @throws Error in plain words when it cannot be read, or has more than `most` bytes
 */
export function readFileBytes(path: string, most: number): Buffer {
  const descriptor = openFile(path);
  try {
    const { size } = fstatSync(descriptor);
    if (size > most) throw new Error(`${formatBytes(size)}, more than ${formatBytes(most)}`);
    const bytes = Buffer.allocUnsafe(size);
    let done = 0;
    while (done < size) {
      const count = readSync(descriptor, bytes, done, size - done, done);
      if (count === 0) throw new Error("it became shorter while it was read");
      done += count;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The text of a file in UTF-8, without a byte order mark.
 * @throws Error in plain words when it cannot be read, is not UTF-8 or has more than `most` bytes
 */
export function readFileText(path: string, most: number): string {
  const bytes = readFileBytes(path, most);
  const mark = bytes.toString("hex", 0, 2);
  if (mark === "fffe" || mark === "feff") throw new Error("text in UTF-16, not in UTF-8");
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Error("bytes that are not text in UTF-8");
  }
}
