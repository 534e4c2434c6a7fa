import { hostname } from "node:os";
import { z } from "zod";
import type { ProcessGroup } from "../torch/index.ts";
import { messageOf } from "../util/errors.ts";
import { Interruption } from "../util/interruption.ts";
import { StoppedElsewhere } from "./stopped-elsewhere.ts";
import { leaveVerdict } from "./watch/verdict-file.ts";

/** Why all stop, and the exit code of the rank that was asked to. */
const stopSchema = z.strictObject({ rank: z.number(), why: z.string(), exitCode: z.number() });

const key = "stop";

/**
 * Aborted when this rank, or by a value in the store another one, is asked to stop, and when one has failed.
 * @param own asks this rank to stop
 * @param fix what to do when another rank was asked to
 */
export function stopOfAny(group: ProcessGroup, own: AbortSignal, fix: string): AbortSignal {
  const asked = new AbortController();
  // Rejects when the group is disposed, or one has failed.
  group.getValue(key, Number.POSITIVE_INFINITY).then(
    (text) => {
      const { rank, why, exitCode } = stopSchema.parse(JSON.parse(text));
      const details = { where: `rank ${rank}`, found: why, fix };
      asked.abort(new StoppedElsewhere("Another rank was asked to stop", exitCode, details));
    },
    () => {},
  );
  const tell = () => {
    const { rank } = group;
    const why = messageOf(own.reason);
    const exitCode = own.reason instanceof Interruption ? own.reason.exitCode : 1;
    leaveStop(rank, why, exitCode);
    void group.setValue(key, JSON.stringify({ rank, why, exitCode })).catch(() => {});
  };
  own.addEventListener("abort", tell, { once: true });
  if (own.aborted) tell();
  return AbortSignal.any([own, asked.signal, group.failed]);
}

/** Tells a launcher, which may notice the end of another rank first, that this one was asked to stop. */
export function leaveStop(rank: number, text: string, exitCode: number): void {
  leaveVerdict({ rank, host: hostname(), pid: process.pid, kind: "stopped", text, exitCode }, process.env);
}
