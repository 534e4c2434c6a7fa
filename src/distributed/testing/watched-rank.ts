// One rank of a job that a launcher has started: does what a scenario says, and prints, as JSON, the error that came of it.
import { setTimeout as sleep } from "node:timers/promises";
import { dieOnConnecting, dieOnMeeting } from "../../torch/testing/dying-rank.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { initProcessGroup } from "../init-process-group.ts";

const rank = Number(process.env["RANK"]);
const isLast = rank === Number(process.env["WORLD_SIZE"]) - 1;

/** How many threads with JavaScript this process has besides the main one. */
function threads(): number {
  const { workers } = JSON.parse(JSON.stringify(process.report.getReport()));
  return workers.length;
}

const scenarios: Record<string, () => Promise<void>> = {
  /** The last rank throws, of itself. */
  async throws() {
    using group = await initProcessGroup();
    await group.together(async () => {
      if (isLast) throw new ScaloraError("data", "no rows", { where: "rows.jsonl" });
      await group.barrier();
    });
  },
  /** The last rank does something else for longer than the others wait. */
  async late() {
    using group = await initProcessGroup({ timeout: 2 });
    if (isLast) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3500);
    await group.barrier();
  },
  /** The last rank leaves, the others go on. */
  async leaves() {
    using group = await initProcessGroup();
    if (isLast) return;
    await group.barrier();
  },
  /** The last rank fails; all live on, and end with how many more threads they have than before. */
  async outlives() {
    const before = threads();
    const failing = initProcessGroup().then(async (joined) => {
      using group = joined;
      await group.together(async () => {
        if (isLast) throw new Error("no rows");
        await group.barrier();
      });
    });
    await failing.catch(() => sleep(5000));
    throw new ScaloraError("run", "threads", { found: `${threads() - before}` });
  },
  /** All leave after a barrier, at different times. */
  async ends() {
    using group = await initProcessGroup();
    await group.barrier();
    await sleep(300 * rank);
  },
  /** The last rank is suspended while the others wait for its part of a gather, which is without the event loop. */
  async suspended() {
    // Signs of life come every half second, on a busy machine later.
    using group = await initProcessGroup({ silence: 2 });
    if (isLast) await group.setValue("pid", `${process.pid}`);
    const pid = Number(await group.getValue("pid"));
    await group.barrier();
    try {
      await group.together(async () => {
        if (isLast) {
          process.kill(pid, "SIGSTOP");
          await sleep(100); // The signal may come a moment later.
        }
        group.awaitGather(group.beginGather([], []));
      });
    } finally {
      process.kill(pid, "SIGCONT");
    }
  },
  /** The last rank does something else for longer than the others wait for its part of a gather. */
  async gathers() {
    using group = await initProcessGroup({ timeout: 3 });
    await group.barrier();
    if (isLast) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4500);
    await group.together(async () => group.awaitGather(group.beginGather([], [])));
  },
  /** The last rank is killed when all ranks are there and watched, as it connects to them. */
  async killedConnecting() {
    if (isLast) dieOnConnecting();
    using _ = await initProcessGroup();
  },
  /** The last rank is killed as soon as it has said that it is there. */
  async killedMeeting() {
    if (isLast) dieOnMeeting();
    using _ = await initProcessGroup({ silence: 3 });
  },
  /** The last rank has another network interface than it says. */
  async interface() {
    using group = await initProcessGroup(isLast ? { networkInterface: "ib9" } : {});
    await group.barrier();
  },
};

const [scenario = ""] = process.argv.slice(2);
try {
  await scenarios[scenario]?.();
  console.log("null");
} catch (error) {
  if (!(error instanceof ScaloraError)) throw error;
  const { code, where, found } = error;
  console.log(JSON.stringify({ code, message: messageOf(error).split("\n")[0], where, found }));
}
