import { readFileSync } from "node:fs";
import { othersShare, processorTime } from "../peer/machine-load.ts";

/** Ticks of CPU time of this process and of the children that it has waited for: fields 14 to 17, of which 2 is a name with spaces. */
function ownTime(): number {
  const [, fields = ""] = readFileSync("/proc/self/stat", "utf8").split(") ");
  return fields
    .split(" ")
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);
}

/** Runs something. @returns what came of it, its seconds, and the share of all cores that others took meanwhile (Linux) */
export async function besideOthers<T>(run: () => Promise<T>) {
  const [before, ownBefore, started] = [processorTime(), ownTime(), performance.now()];
  const result = await run();
  const [after, own] = [processorTime(), ownTime() - ownBefore];
  return {
    result,
    seconds: (performance.now() - started) / 1000,
    taken: othersShare(before, after, own / 100),
  };
}
