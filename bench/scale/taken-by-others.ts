// How busy a machine was with other work while something was measured (Linux).
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Ticks of CPU time since the machine's start: of all, and of this process and the children that it has waited for. */
function ticks() {
  const [all = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0] = all
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  // After the name, which may have spaces: user and system time, own and of children, are fields 14 to 17 of all.
  const own =
    readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ").slice(11, 15).map(Number) ?? [];
  return {
    busy: user + nice + system + interrupts + softInterrupts,
    own: own.reduce((sum, each) => sum + each, 0),
  };
}

/** Runs something. @returns what came of it, its seconds, and the part of all cores that other processes took meanwhile */
export async function besideOthers<T>(run: () => Promise<T>) {
  const [before, started] = [ticks(), performance.now()];
  const result = await run();
  const [after, seconds] = [ticks(), (performance.now() - started) / 1000];
  const others = after.busy - before.busy - (after.own - before.own);
  return { result, seconds, taken: Math.max(0, others) / (100 * seconds * availableParallelism()) };
}
