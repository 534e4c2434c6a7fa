// Lets one process at a time set up. The lock only saves work: every step is atomic without it.
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const heartbeatMs = 2_000;
const staleMs = 15_000;

interface LockOptions {
  /** What the holder of the lock does, for the log. */
  what?: string;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
}

interface Holder {
  pid: number;
  host: string;
  /** Milliseconds since its last heartbeat. */
  age: number;
}

/**
 * Runs `work` while holding the lock file. Waits if another process holds it; takes it over if that process is gone.
 * @param log called once if it has to wait
 */
export async function withLock<T>(
  path: string,
  log: (line: string) => void,
  work: () => Promise<T>,
  { what = "another set-up", signal }: LockOptions = {},
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!create(path)) {
    const holder = read(path);
    if (holder !== undefined && isGone(holder)) {
      breakLock(path);
      continue;
    }
    if (!told && holder !== undefined) log(`waiting for ${what} (process ${holder.pid} on ${holder.host})`);
    told = true;
    await sleep(250, undefined, { signal });
  }
  const beat = setInterval(() => touch(path), heartbeatMs);
  beat.unref();
  const free = () => {
    if (read(path)?.pid === process.pid) rmSync(path, { force: true });
  };
  process.once("exit", free);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    process.removeListener("exit", free);
    free();
  }
}

function create(path: string) {
  try {
    writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function touch(path: string) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Taken over while this process was suspended.
  }
}

function read(path: string): Holder | undefined {
  try {
    const age = Date.now() - statSync(path).mtimeMs;
    const text = readFileSync(path, "utf8");
    return { ...(text === "" ? { pid: 0, host: "" } : JSON.parse(text)), age };
  } catch {
    return undefined;
  }
}

function isGone({ pid, host, age }: Holder) {
  if (age > staleMs) return true;
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

/**
 * Removes a stale lock while holding a second one: of two processes that find it stale, the slower would otherwise remove
 * the faster one's new lock.
 */
function breakLock(path: string) {
  const breaker = `${path}.break`;
  if (!create(breaker)) {
    const other = read(breaker);
    if (other !== undefined && isGone(other)) rmSync(breaker, { force: true });
    return;
  }
  try {
    const holder = read(path);
    if (holder !== undefined && isGone(holder)) rmSync(path, { force: true });
  } finally {
    rmSync(breaker, { force: true });
  }
}

function codeOf(error: unknown) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
