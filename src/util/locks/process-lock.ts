import { randomUUID } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ScaloraError } from "../errors.ts";
import { codeOf, makeFolders, removeEmptyFolders } from "../files.ts";
import { canShowHeartbeat, type HeartbeatSource, startHeartbeat } from "./heartbeat.ts";
import { HeartbeatWatch, type HeldLock, type LockHolder, lockState, readLock } from "./lock-holder.ts";
import { currentPlace, currentProcess, lifeOf } from "./process-identity.ts";

/** What a lock is for, as the error of a second taker says it. */
export interface LockPurpose {
  /** What the holder does, after "Another process is": "training this run". */
  readonly what: string;
  /** The file or folder that it works on. */
  readonly where: string;
  /** What else is known about the holder: "running at step 3". */
  readonly progress?: (pid: number) => string | undefined;
}

/** Times of locks. Disks and networks hold up a heartbeat for seconds: silence is far longer than that. */
export interface LockTiming {
  /** Milliseconds from one touch of a held lock to the next. */
  readonly heartbeat: number;
  /** Milliseconds from one look at somebody else's lock to the next. */
  readonly look: number;
  /** Looks without a heartbeat after which a holder that cannot be asked counts as gone. */
  readonly silentLooks: number;
}
const usualTiming: LockTiming = { heartbeat: 5_000, look: 500, silentLooks: 120 };

/** Who takes a lock: what it works on, and how it shows that it lives. */
interface Taker {
  readonly where: string;
  /** Milliseconds from one touch to the next. */
  readonly heartbeat: number;
  readonly source: HeartbeatSource;
}

/** Attempts to take a lock that is free, of which another taker may foil one or two. */
const maxAttempts = 20;

/** A process has found that what it works on is another's by now. */
export class LostLockError extends ScaloraError {}

/** How a wait for a lock is announced and ended. */
export interface LockWait {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when there is a wait, with whom it is for. */
  readonly onWait: (text: string) => void;
  readonly timing?: LockTiming | undefined;
}

/**
 * A lock that one process at a time holds, until it is disposed of or the process ends. It is a folder that holds one file,
 * which has a name of its own and says whose the lock is.
 *
 * A lock is taken by renaming a folder that is complete already, which the system does only where there is no folder yet or
 * an empty one. So nobody sees half a lock, and of two takers one gets it. The lock of a process that is gone is emptied by
 * removing its file by name, which cannot hit the file of somebody who has taken the lock meanwhile.
 *
 * Whether a process of another host is gone only its heartbeat tells: the holder touches its file every few seconds, from a
 * thread of its own when it has taken the lock for long work. Whoever was suspended for longer than the others wait finds its
 * file removed (`assertHeld`).
 */
export class ProcessLock implements Disposable {
  private readonly path: string;
  private readonly where: string;
  /** This holder's file. */
  private readonly file: string;
  /** Folders that were made for the lock, the outermost first; removed with it where nothing else came into them. */
  private readonly made: readonly string[];
  private readonly stopHeartbeat: () => void;
  private readonly release = () => this[Symbol.dispose]();

  private constructor(
    path: string,
    { where, heartbeat, source }: Taker,
    token: string,
    made: readonly string[],
  ) {
    this.path = path;
    this.where = where;
    this.file = join(path, token);
    this.made = made;
    this.stopHeartbeat = startHeartbeat(this.file, heartbeat, source);
    process.once("exit", this.release);
  }

  /**
   * Takes the lock for long work, also from a process that is gone. A process of another host counts as alive: `removeSilent` goes first
   * where it may not be.
   * @param path of the lock; the folders above it are made
   * @throws ScaloraError `usage` when it is held; `run` when it cannot be read, or nobody can take it; the system's error when
   * it cannot be written
   */
  static take(path: string, purpose: LockPurpose, timing = usualTiming): ProcessLock {
    const taker: Taker = { where: purpose.where, heartbeat: timing.heartbeat, source: "thread" };
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const held = removeGone(path);
      if (held !== undefined) throw heldError(path, held, purpose);
      const lock = ProcessLock.tryTake(path, taker);
      if (lock !== undefined) return lock;
    }
    throw new ScaloraError("run", "This lock can be taken by nobody", {
      where: path,
      found: `a folder that is empty, or that others fill and empty again (${maxAttempts} attempts)`,
      fix: "remove it and start again; where that does not help, use a folder on another file system",
    });
  }

  /**
   * Takes the lock as soon as it is free, however long that takes. The work that it is for leaves the main thread free.
   * @param holder who is waited for: "another set-up"
   * @throws the signal's reason, or the system's error
   */
  static async wait(
    path: string,
    holder: string,
    { signal, onWait, timing = usualTiming }: LockWait,
  ): Promise<ProcessLock> {
    const watch = new HeartbeatWatch(timing.silentLooks);
    const taker: Taker = { where: path, heartbeat: timing.heartbeat, source: "timer" };
    for (let isTold = false; ; await pause(timing, signal)) {
      const held = removeGone(path, watch);
      const lock = held === undefined ? ProcessLock.tryTake(path, taker) : undefined;
      if (lock !== undefined) return lock;
      if (held !== undefined && !isTold) onWait(`waiting for ${holder} (${nameOf(held.holder)})`);
      isTold ||= held !== undefined;
    }
  }

  /**
   * Watches a holder that cannot be asked whether it lives, of another host, and removes its lock when it shows no heartbeat.
   * Returns at once when there is no such holder.
   * @throws ScaloraError `usage` when there is a heartbeat; the signal's reason; the system's error
   */
  static async removeSilent(
    path: string,
    purpose: LockPurpose,
    { signal, onWait, timing = usualTiming }: LockWait,
  ): Promise<void> {
    const watch = new HeartbeatWatch(timing.silentLooks);
    for (let isTold = false; ; await pause(timing, signal)) {
      const held = removeGone(path, watch);
      if (held === undefined) return;
      if (held.state === "alive") throw heldError(path, held, purpose);
      const seconds = (timing.look * timing.silentLooks) / 1000;
      if (!isTold)
        onWait(
          `waiting up to ${seconds} s for a heartbeat of ${nameOf(held.holder)}, which was ${purpose.what}`,
        );
      isTold = true;
    }
  }

  /** Whether a thread of this process holds the lock. */
  static isOwn(path: string): boolean {
    const { held } = lockState(path);
    return held !== undefined && held.holder.pid === process.pid && isHere(held.holder);
  }

  /** Removes the lock that a thread of this process has held, which ended without releasing it. */
  static removeOwn(path: string): void {
    for (const name of readdirOrNone(path))
      if (name.startsWith(`${process.pid}-`)) rmSync(join(path, name), { force: true });
    removeEmptyFolders([path]);
  }

  /** Looks whether `take` would find the lock held, and changes nothing. @throws ScaloraError `usage` when it is held */
  static assertFree(path: string, purpose: LockPurpose): void {
    const { held } = lockState(path);
    if (held !== undefined) throw heldError(path, held, purpose);
  }

  /** @returns undefined when somebody else has it, or has removed the folder that would have become it */
  private static tryTake(path: string, taker: Taker): ProcessLock | undefined {
    const token = `${process.pid}-${randomUUID()}`;
    const temporary = join(dirname(path), `${basename(path)}.${token}.${process.pid}.tmp`);
    const made = new Set<string>();
    let isTaken = false;
    try {
      makeFolderOfLock(temporary, made);
      isTaken = fill(temporary, token, taker.heartbeat) && renameOnto(temporary, path, token);
    } finally {
      if (!isTaken) {
        removeIfThere(temporary);
        removeEmptyFolders([...made]);
      }
    }
    if (!isTaken) return undefined;
    removeUnfinished(path);
    return new ProcessLock(path, taker, token, [...made]);
  }

  /**
   * Whether the lock is still this one's: it may have been taken over, or removed by hand. Costs the opening of one file,
   * which a file system of a network looks up afresh.
   */
  isHeld(): boolean {
    const opened = readLock(this.path, () => openSync(this.file, "r"));
    if (opened !== undefined) closeSync(opened);
    return opened !== undefined;
  }

  /** For use before each write of what is locked. @throws ScaloraError `run` when the lock is another's by now, or nobody's */
  assertHeld(): void {
    if (this.isHeld()) return;
    const { held } = lockState(this.path);
    throw new LostLockError("run", "This process has lost its lock: it writes nothing more", {
      where: this.where,
      expected: `${this.file}, which it made`,
      found:
        held === undefined ? "no lock" : `the lock of ${nameOf(held.holder)}, since ${held.holder.since}`,
      fix: "leave the work to the other process, or stop that and start again; a lock is lost when its process stands still for a minute, or when somebody removes it",
    });
  }

  /** Releases the lock (idempotent). */
  [Symbol.dispose](): void {
    this.stopHeartbeat();
    process.off("exit", this.release);
    try {
      rmSync(this.file, { force: true });
    } catch {
      // The system refuses; with this process the lock becomes free all the same.
    }
    removeEmptyFolders([...this.made, this.path]);
  }
}

/** What does not let itself be removed was not made: the error that is thrown says why. */
function removeIfThere(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {}
}

function readdirOrNone(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Runs `work` while holding a lock; waits for another process that holds it. @param holder and errors as in `wait` */
export async function withLock<T>(
  path: string,
  holder: string,
  wait: LockWait,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await ProcessLock.wait(path, holder, wait);
  try {
    return await work();
  } finally {
    lock[Symbol.dispose]();
  }
}

/**
 * Removes the files of holders that are gone, and a folder without any: not every file system renames onto an empty one.
 * @returns who holds the lock all the same
 */
function removeGone(path: string, watch?: HeartbeatWatch): HeldLock | undefined {
  const { held, gone } = lockState(path, watch);
  for (const file of gone) rmSync(file, { force: true });
  if (held === undefined) removeEmptyFolders([path]);
  return held;
}

/**
 * Removes what killed takers have left beside a lock that is held. A taker that lives finds its folder gone, where it was not
 * complete yet, and tries again.
 */
function removeUnfinished(path: string): void {
  const isUnfinished = (name: string) =>
    name.startsWith(`${basename(path)}.`) &&
    /^\.\d+-[\da-f-]{36}\.\d+\.tmp$/.test(name.slice(basename(path).length));
  try {
    for (const name of readdirSync(dirname(path)).filter(isUnfinished)) {
      const temporary = join(dirname(path), name);
      if (lockState(temporary).held === undefined) rmSync(temporary, { recursive: true, force: true });
    }
  } catch {
    // It stays: nothing depends on it.
  }
}

/** Makes the folder that becomes the lock. @param made gets the folders above it that had to be made */
function makeFolderOfLock(temporary: string, made: Set<string>): void {
  for (;;) {
    for (const folder of makeFolders(dirname(temporary))) made.add(folder);
    try {
      mkdirSync(temporary);
      return;
    } catch (error) {
      // The folder above is gone again: it was new, and another lock in it was released.
      if (existsSync(dirname(temporary))) throw error;
    }
  }
}

/** Writes the holder's file. @returns false when the folder is gone */
function fill(temporary: string, token: string, heartbeat: number): boolean {
  const file = join(temporary, token);
  const holder: LockHolder = { ...currentProcess(), ...currentPlace(), since: new Date().toISOString() };
  const write = (content: LockHolder) => writeFileSync(file, `${JSON.stringify(content)}\n`, { flush: true });
  try {
    write({ ...holder, heartbeat });
    if (!canShowHeartbeat(file)) write(holder);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** @returns false when there is a folder with something in it already, or the one to rename was emptied or is gone */
function renameOnto(temporary: string, path: string, token: string): boolean {
  try {
    renameSync(temporary, path);
    return existsSync(join(path, token));
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes(codeOf(error) ?? "")) return false;
    throw error;
  }
}

async function pause({ look }: LockTiming, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(look, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Whether a holder can be asked: with the same host name, it may be in a container or on another machine all the same. */
const isHere = (holder: LockHolder) => lifeOf(holder) === "alive";
const nameOf = (holder: LockHolder) => `process ${holder.pid}${isHere(holder) ? "" : ` on ${holder.host}`}`;

function heldError(path: string, { holder, state }: HeldLock, purpose: LockPurpose): ScaloraError {
  const { pid, since, heartbeat } = holder;
  const { what, where, progress } = purpose;
  const details = [`since ${since}`, progress?.(pid)].filter((each) => each !== undefined);
  const showsLife = state === "alive" && heartbeat !== undefined;
  const canBeAsked = isHere(holder);
  return new ScaloraError(
    "usage",
    `${canBeAsked && pid === process.pid ? "This process is already" : "Another process is"} ${what}`,
    {
      where,
      found: `${nameOf(holder)}, ${details.join(", ")}`,
      fix: canBeAsked
        ? "wait for it, or stop it"
        : `wait for it, or stop it there${showsLife ? "" : `; if that machine or container is gone, remove ${path} and start again`}`,
    },
  );
}
