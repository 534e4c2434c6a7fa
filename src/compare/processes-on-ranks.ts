import { once } from "node:events";
import { z } from "zod";
import { stopOfAny } from "../distributed/stop-of-any.ts";
import type { ProcessGroup } from "../torch/index.ts";
import { required } from "../util/elements.ts";
import { messageOf } from "../util/errors.ts";
import { type ProcessEnd, type RunProcess, runProcess } from "./run-process.ts";

/** Where the processes of a comparison run. */
export interface Processes {
  readonly run: RunProcess;
  /** On how many ranks, with `jobs` at once on each. */
  readonly ranks: number;
}

/** On this machine alone. */
export const processesHere: Processes = { run: runProcess, ranks: 1 };

/** A program to run, or null when there is no more. */
const workSchema = z.strictObject({ words: z.array(z.string()), threads: z.number().optional() }).nullable();
type Work = z.output<typeof workSchema>;

const endSchema = z.strictObject({
  stdout: z.string(),
  stderr: z.string(),
  code: z.number().nullable(),
  killed: z.custom<NodeJS.Signals>((value) => typeof value === "string").nullable(),
  /** Its rank was asked to stop, so that this is no result. */
  stopped: z.boolean(),
});

/** Room for one process on a rank. */
interface Slot {
  readonly rank: number;
  readonly name: string;
  /** How many processes it has had. */
  count: number;
}

/**
 * Runs a comparison whose processes are shared out between ranks: rank 0 says which, by values in the group's store, and the
 * others run them. All need the comparison's folder. When one of the ranks is asked to stop, all of them stop, as one that compares
 * alone does; when one fails, the processes of the others are killed.
 * @param jobs processes at once on each rank
 * @param signal stops this rank
 * @param compare rank 0 alone calls it, with a signal that stops it for any of these reasons
 * @returns what `compare` does; undefined on the other ranks, once there is no more to run
 * @throws the signal's reason when it is aborted, ScaloraError `run` when another rank was asked to stop or has failed
 */
export async function compareOnRanks<T>(
  group: ProcessGroup | undefined,
  jobs: number,
  signal: AbortSignal,
  compare: (processes: Processes, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  if (group === undefined) return await compare(processesHere, signal);
  const again = "repeat the command: finished runs are kept, and the others go on";
  const stop = stopOfAny(group, signal, again);
  if (group.rank > 0) return await serve(group, jobs, signal, stop);
  const slots = Array.from({ length: jobs * group.size }, (_, index): Slot => {
    const rank = index % group.size;
    return { rank, name: `${rank}/${Math.floor(index / group.size)}`, count: 0 };
  });
  const free = [...slots];
  const run: RunProcess = async (words, threads, stop) => {
    const slot = required(free.shift(), "a free slot");
    try {
      if (slot.rank === 0) return await runProcess(words, threads, stop, group.failed);
      return await runOn(group, slot, { words: [...words], ...(threads !== undefined && { threads }) }, stop);
    } finally {
      free.push(slot);
    }
  };
  try {
    return await compare({ run, ranks: group.size }, stop);
  } finally {
    await endOthers(group, slots).catch(() => {}); // One that is gone needs no end.
  }
}

/** Returns once all have heard it: rank 0 has the store. */
async function endOthers(group: ProcessGroup, slots: readonly Slot[]): Promise<void> {
  for (const slot of slots) if (slot.rank > 0) await send(group, slot, null);
  await group.barrier();
}

const send = (group: ProcessGroup, { name, count }: Slot, work: Work) =>
  group.setValue(`work/${name}/${count}`, JSON.stringify(work));

const receive = (group: ProcessGroup, key: string) => group.getValue(key, Number.POSITIVE_INFINITY);

/** Rank 0 lets another rank run a program. */
async function runOn(group: ProcessGroup, slot: Slot, work: Work, signal: AbortSignal): Promise<ProcessEnd> {
  const key = `end/${slot.name}/${slot.count}`;
  await send(group, slot, work);
  slot.count++;
  const { stopped, ...end } = endSchema.parse(JSON.parse(await receive(group, key)));
  // The rank has said so before, but perhaps it was not heard yet.
  if (stopped && !signal.aborted) await once(signal, "abort");
  return end;
}

/** Runs what rank 0 says, until there is no more. */
async function serve(
  group: ProcessGroup,
  jobs: number,
  signal: AbortSignal,
  stop: AbortSignal,
): Promise<undefined> {
  await Promise.all(Array.from({ length: jobs }, (_, slot) => serveSlot(group, slot, stop)));
  await group.barrier();
  signal.throwIfAborted();
}

const notStarted = (error: unknown): ProcessEnd => {
  return { stdout: "", stderr: `error: ${messageOf(error)}`, code: 1, killed: null };
};

async function serveSlot(group: ProcessGroup, slot: number, stop: AbortSignal): Promise<void> {
  for (let count = 0; ; count++) {
    const place = `${group.rank}/${slot}/${count}`;
    const work = workSchema.parse(JSON.parse(await receive(group, `work/${place}`)));
    if (work === null) return;
    const end = stop.aborted
      ? notStarted(stop.reason)
      : await runProcess(work.words, work.threads, stop, group.failed).catch(notStarted);
    await group.setValue(`end/${place}`, JSON.stringify({ ...end, stopped: stop.aborted }));
  }
}
