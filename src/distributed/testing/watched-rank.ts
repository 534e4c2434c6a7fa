// One rank of a job that a launcher has started: does what a scenario says, and prints, as JSON, the error that came of it.
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { initProcessGroup } from "../init-process-group.ts";

const rank = Number(process.env["RANK"]);
const isLast = rank === Number(process.env["WORLD_SIZE"]) - 1;

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
  /** All leave after a barrier, at different times. */
  async ends() {
    using group = await initProcessGroup();
    await group.barrier();
    await sleep(300 * rank);
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
