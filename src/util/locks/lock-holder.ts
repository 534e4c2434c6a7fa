import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf, ScaloraError } from "../errors.ts";
import { codeOf } from "../files.ts";
import { isRecord } from "../json.ts";
import { readFileBytes } from "../read-file.ts";
import { lifeOf, type ProcessIdentity, type ProcessPlace } from "./process-identity.ts";

/** The process that holds a lock, as its file in the lock says. */
export interface LockHolder extends ProcessIdentity, ProcessPlace {
  /** Time of taking it, ISO 8601. */
  readonly since: string;
  /** Milliseconds from one touch of the file to the next; undefined for a holder that never touches it. */
  readonly heartbeat?: number | undefined;
}

/** What is known of a lock: who holds it, if anybody, and the files of those who do no more. */
export interface LockState {
  readonly held: HeldLock | undefined;
  readonly gone: readonly string[];
}

/** `unclear`: the holder cannot be asked, and its heartbeat has not been watched for long enough. */
export interface HeldLock {
  readonly holder: LockHolder;
  readonly state: "alive" | "unclear";
}

/**
 * Watches the heartbeats of holders that cannot be asked whether they live. Only whether a file's time changes from one look
 * to the next counts, so that the clocks of two hosts are never compared, and a watcher that was suspended itself has not
 * watched meanwhile.
 */
export class HeartbeatWatch {
  private readonly silentLooks: number;
  private readonly seen = new Map<string, { touched: number; looks: number }>();

  /** @param silentLooks looks without a change after which a holder counts as gone */
  constructor(silentLooks: number) {
    this.silentLooks = silentLooks;
  }

  look(file: string): "alive" | "unclear" | "gone" {
    const touched = readLock(file, () => statSync(file).mtimeMs);
    if (touched === undefined) return "gone";
    const last = this.seen.get(file);
    if (last?.touched !== touched) {
      this.seen.set(file, { touched, looks: 0 });
      return last === undefined ? "unclear" : "alive";
    }
    last.looks++;
    return last.looks < this.silentLooks ? "unclear" : "gone";
  }
}

/**
 * Looks at a lock and changes nothing.
 * @param watch judges holders that cannot be asked; without one they hold the lock
 * @throws ScaloraError `run` when it cannot be read
 */
export function lockState(path: string, watch?: HeartbeatWatch): LockState {
  const gone: string[] = [];
  for (const token of readLock(path, () => readdirSync(path)) ?? []) {
    const file = join(path, token);
    const text = readLock(path, () => readFileBytes(file, maxHolderBytes).toString("utf8"));
    if (text === undefined) continue;
    // Each file was complete before it had its place here: one that cannot be understood was damaged since, or is no lock's.
    const holder = parseHolder(text);
    const state = holder === undefined ? "gone" : judge(file, holder, watch);
    if (holder === undefined || state === "gone") gone.push(file);
    else return { held: { holder, state }, gone };
  }
  return { held: undefined, gone };
}

/** Size of a holder's file; one has some 200 bytes. */
const maxHolderBytes = 1 << 16;

function judge(
  file: string,
  holder: LockHolder,
  watch: HeartbeatWatch | undefined,
): "alive" | "unclear" | "gone" {
  const life = lifeOf(holder);
  if (life !== "unclear") return life;
  if (holder.heartbeat === undefined) return "alive";
  return watch?.look(file) ?? "unclear";
}

/** Checked by hand: set-up locks too, before there are packages. */
function parseHolder(text: string): LockHolder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { pid, host, startTime, since, heartbeat, pidNamespace, machineId } = value;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || typeof host !== "string") return undefined;
  if ((typeof startTime !== "string" && startTime !== null) || typeof since !== "string") return undefined;
  if (heartbeat !== undefined && typeof heartbeat !== "number") return undefined;
  if (!isTextOrAbsent(pidNamespace) || !isTextOrAbsent(machineId)) return undefined;
  return { pid, host, startTime, since, heartbeat, pidNamespace, machineId };
}

const isTextOrAbsent = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === "string";

/**
 * The result of reading a lock; undefined when what is read was removed meanwhile, perhaps by another host.
 * @param path of the lock
 * @throws ScaloraError `run` when it cannot be read
 */
export function readLock<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    if (["ENOENT", "ESTALE", "ENOTDIR"].includes(codeOf(cause) ?? "")) return undefined;
    throw new ScaloraError("run", "A lock cannot be read", {
      where: path,
      found: messageOf(cause),
      fix: "make it readable, or look whether its disk fails",
      cause,
    });
  }
}
