import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { codeOf } from "../files.ts";

/** Identifies one process, even after its id has been reused. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Start time in the operating system's units; null when unknown. */
  readonly startTime: string | null;
}

/** The identity of this process. */
export function currentProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), startTime: startTimeOf(process.pid) };
}

/**
 * Whether the identified process is alive and not this one. A process on another host, or with an unknown start time,
 * counts as gone: the alternative would be a run that can never be resumed.
 */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.host !== hostname() || identity.pid === process.pid) return false;
  return identity.startTime !== null && startTimeOf(identity.pid) === identity.startTime;
}

/** Where a process runs, for others who want to know whether their process ids mean the same. */
export interface ProcessPlace {
  /** The PID namespace on Linux, the system's name elsewhere; undefined when unknown. */
  readonly pidNamespace?: string | undefined;
  /** Identifies a machine also after it was started anew (`/etc/machine-id`); undefined when unknown. */
  readonly machineId?: string | undefined;
}

/** Where this process runs. */
export function currentPlace(): ProcessPlace {
  return { pidNamespace: pidNamespace(), machineId: readLine("/etc/machine-id") };
}

/**
 * Whether a process lives, as far as it can be asked: it is on this host and in this PID namespace, and the machine is known
 * to be this one, by its boot or (after another boot) its id. Host names alone may be those of several machines and containers.
 * @returns `unclear` for others, and where the system hides whether the id is another process's by now
 */
export function lifeOf({
  pid,
  host,
  startTime,
  pidNamespace,
  machineId,
}: ProcessIdentity & ProcessPlace): "alive" | "unclear" | "gone" {
  const here = currentPlace();
  const isHere = host === hostname() && pidNamespace !== undefined && pidNamespace === here.pidNamespace;
  if (!isHere) return "unclear";
  if (startTime !== null && startTime.split(" ")[0] !== bootId())
    return machineId !== undefined && machineId === here.machineId ? "gone" : "unclear";
  if (!isProcess(pid)) return "gone";
  if (startTime === null) return pid === process.pid ? "alive" : "unclear";
  const found = statOf(pid);
  if (found === undefined) return "unclear";
  return startTimeIn(found) === startTime ? "alive" : "gone";
}

/** Whether there is a process with this id on this host. */
export function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's.
    return codeOf(error) !== "ESRCH";
  }
}

/** Boot and start time of a process on Linux; null on other systems, or without such a process. */
function startTimeOf(pid: number): string | null {
  const found = statOf(pid);
  return found === undefined ? null : startTimeIn(found);
}

/** `/proc/PID/stat` from its third field on; undefined where the system does not show it. */
function statOf(pid: number): string[] | undefined {
  const text = readLine(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Boot and start time; null for a process that has ended and only waits for its parent. */
function startTimeIn(stat: readonly string[]): string | null {
  const boot = bootId();
  return boot === undefined || /^[ZX]/.test(stat[0] ?? "") ? null : `${boot} ${stat[19]}`;
}

const bootId = () => readLine("/proc/sys/kernel/random/boot_id");

function pidNamespace(): string | undefined {
  if (process.platform !== "linux") return process.platform;
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
}

/** The text of a file of one line; undefined when it is empty or cannot be read. */
function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
