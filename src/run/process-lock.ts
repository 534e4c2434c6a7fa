import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { ScaloraError } from "../util/errors.ts";
import { codeOf, makeFolders, removeEmptyFolders } from "../util/files.ts";
import { readFileBytes } from "../util/read-file.ts";
import { currentProcess, isGone, processSchema } from "./process-identity.ts";
import { maxFileBytes, parseOptional } from "./run-files.ts";

const holderSchema = processSchema.extend({ since: z.string().describe("Time of taking it, ISO 8601") });

/** The process that holds a lock. */
type LockHolder = z.output<typeof holderSchema>;

/** What a lock is for, as the error of a second taker says it. */
export interface LockPurpose {
  /** What the holder does, after "Another process is": "training this run". */
  readonly what: string;
  /** The file or folder that it works on. */
  readonly where: string;
  /** What else is known about the holder: "running at step 3". */
  readonly progress?: (pid: number) => string | undefined;
}

/**
 * A lock that one process at a time holds, until it is disposed of or the process ends. It is a folder that holds one file,
 * which has a name of its own and says whose the lock is.
 *
 * A lock is taken by renaming a folder that is complete already, which the system does only where there is no folder yet or
 * an empty one. So nobody sees half a lock, and of two takers one gets it. The lock of a process that is gone is emptied by
 * removing its file by name, which cannot hit the file of somebody who has taken the lock meanwhile.
 */
export class ProcessLock implements Disposable {
  private readonly path: string;
  /** Name of this holder's file. */
  private readonly token: string;
  /** Folders that were made for the lock, the outermost first; removed with it where nothing else came into them. */
  private readonly made: readonly string[];
  private readonly release = () => this[Symbol.dispose]();

  private constructor(path: string, token: string, made: readonly string[]) {
    this.path = path;
    this.token = token;
    this.made = made;
    process.once("exit", this.release);
  }

  /**
   * Takes the lock, also from a process that is gone.
   * @param path of the lock; the folders above it are made
   * @throws ScaloraError `usage` when it is held; the system's error when it cannot be written
   */
  static take(path: string, purpose: LockPurpose): ProcessLock {
    const token = `${process.pid}-${randomUUID()}`;
    const temporary = join(dirname(path), `${basename(path)}.${token}.${process.pid}.tmp`);
    const made = new Set<string>();
    try {
      prepare(temporary, token, made);
      while (!renameOnto(temporary, path))
        for (const file of goneHolders(path, purpose)) rmSync(file, { force: true });
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      removeEmptyFolders([...made]);
      throw error;
    }
    return new ProcessLock(path, token, [...made]);
  }

  /** Looks whether `take` would find the lock held, and changes nothing. @throws ScaloraError `usage` when it is held */
  static assertFree(path: string, purpose: LockPurpose): void {
    goneHolders(path, purpose);
  }

  /** Releases the lock (idempotent). */
  [Symbol.dispose](): void {
    process.off("exit", this.release);
    try {
      rmSync(join(this.path, this.token), { force: true });
    } catch {
      // The system refuses; with this process the lock becomes free all the same.
    }
    removeEmptyFolders([...this.made, this.path]);
  }
}

/** Makes the folder that becomes the lock. @param made gets the folders above it that had to be made */
function prepare(temporary: string, token: string, made: Set<string>): void {
  const holder: LockHolder = { ...currentProcess(), since: new Date().toISOString() };
  for (;;) {
    for (const folder of makeFolders(dirname(temporary))) made.add(folder);
    try {
      mkdirSync(temporary);
      break;
    } catch (error) {
      // The folder above is gone again: it was new, and another lock in it was released.
      if (existsSync(dirname(temporary))) throw error;
    }
  }
  writeFileSync(join(temporary, token), `${JSON.stringify(holder)}\n`, { flush: true });
}

/** @returns false when there is a folder with something in it already */
function renameOnto(temporary: string, path: string): boolean {
  try {
    renameSync(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** The files of holders that are gone. @throws ScaloraError `usage` when one is not */
function goneHolders(path: string, purpose: LockPurpose): string[] {
  return (unlessMissing(() => readdirSync(path)) ?? []).flatMap((token) => {
    const file = join(path, token);
    const text = unlessMissing(() => readFileBytes(file, maxFileBytes).toString("utf8"));
    if (text === undefined) return [];
    // Each file was complete before it had its place here: one that cannot be understood was damaged since, or is no lock's.
    const holder = holderSchema.safeParse(parseOptional(text)).data;
    if (holder !== undefined && !isGone(holder)) throw heldError(path, holder, purpose);
    return [file];
  });
}

function heldError(path: string, { pid, host, since }: LockHolder, purpose: LockPurpose): ScaloraError {
  const { what, where, progress } = purpose;
  const elsewhere = host === hostname() ? "" : ` on ${host}`;
  const details = [`since ${since}`, progress?.(pid)].filter((each) => each !== undefined);
  return new ScaloraError(
    "usage",
    `${pid === process.pid && !elsewhere ? "This process is already" : "Another process is"} ${what}`,
    {
      where,
      found: `process ${pid}${elsewhere}, ${details.join(", ")}`,
      fix: elsewhere
        ? `wait for it, or stop it there; if that machine or container is gone, remove ${path} and start again`
        : "wait for it, or stop it",
    },
  );
}

/** The result of reading; undefined when what is read was removed meanwhile. */
function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
