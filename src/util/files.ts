import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

/** Writes a file so that a reader, or a crash at any instant, sees either the old content or the new one. */
export function writeFileAtomic(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/**
 * Writes a file that several processes may want to write at once: the first one's content stays. Folders above it are made.
 * @param isValid whether the file that is there is to stay
 */
export function writeFileOnce(path: string, content: string, isValid: () => boolean): void {
  makeFolders(dirname(path));
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content, { flush: true });
    try {
      linkSync(temporary, path);
    } catch {
      // There is one already, or the file system has no links.
      if (!isValid()) renameSync(temporary, path);
    }
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Writes a large file piece by piece, atomically: temporary file, fsync, rename.
 * @param write gets the descriptor of the temporary file
 */
export function streamFileAtomic(path: string, write: (descriptor: number) => void): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const descriptor = openSync(temporary, "w");
    try {
      write(descriptor);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** One write call takes at most 2 GiB. */
const maxWrite = 1 << 30;

/** Writes all bytes, in as many calls as it takes. @param at place in the file; by default where the last write ended */
export function writeFully(descriptor: number, bytes: Uint8Array, at?: number): void {
  let done = 0;
  while (done < bytes.length) {
    const position = at === undefined ? null : at + done;
    done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, maxWrite), position);
  }
}

/** Makes renames and new names in a folder survive a power cut. Windows has no such call, and needs none for names. */
export function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** SHA-256 of a file's bytes, in hexadecimal, read piece by piece. */
export function hashFile(path: string): string {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(1 << 20);
  const descriptor = openSync(path, "r");
  try {
    for (let read = readSync(descriptor, piece); read > 0; read = readSync(descriptor, piece)) {
      hash.update(piece.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest("hex");
}

/**
 * Creates a folder and its missing parents, or none of them. Node's own `recursive` never returns on file systems such as /proc.
 * @returns the folders that were created, the outermost first
 */
export function makeFolders(path: string): string[] {
  if (existsSync(path)) return [];
  const above = makeFolders(dirname(path));
  try {
    mkdirSync(path);
    return [...above, path];
  } catch (cause) {
    // Another process may have created it in the meantime.
    if (existsSync(path)) return above;
    removeEmptyFolders(above);
    throw cause;
  }
}

/** Removes folders, the last first, up to one that is not empty. */
export function removeEmptyFolders(folders: readonly string[]): void {
  try {
    for (const folder of folders.toReversed()) rmdirSync(folder);
  } catch {
    // Not empty, or removed by somebody else.
  }
}

/** The code of the system's error behind an error, such as `ENOSPC`; undefined when there is none. */
export function systemErrorBehind(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = codeOf(at);
    if (code !== undefined && /^E[A-Z\d]+$/.test(code)) return code;
  }
  return undefined;
}

/** The code of an error of the file system, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
