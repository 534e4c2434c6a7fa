// A rank of a job that runs two processes, then two that it stops; rank 0 prints who ran them and how they ended.
import { initProcessGroup } from "../../distributed/index.ts";
import { compareOnRanks } from "../processes-on-ranks.ts";

using group = await initProcessGroup();
const { signal } = new AbortController();
const printed = await compareOnRanks(group, 1, signal, async ({ run, ranks }) => {
  const twice = (script: string, stop: AbortSignal) =>
    Promise.all([0, 1].map(() => run([process.execPath, "-e", script], 2, stop)));
  const ends = await twice(
    "const { ppid, env } = process; console.log(ppid, env.RANK, env.WORLD_SIZE, env.OMP_NUM_THREADS)",
    signal,
  );
  const stopped = await twice("setInterval(() => {}, 1000)", AbortSignal.timeout(500));
  return {
    ranks,
    outputs: ends.map(({ stdout }) => stdout.replace(`${process.pid} `, "rank 0: ")),
    killed: stopped.map(({ killed }) => killed),
  };
});
if (printed !== undefined) console.log(JSON.stringify(printed));
