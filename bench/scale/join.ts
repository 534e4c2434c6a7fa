// How long ranks take to join, and what that costs rank 0, which has the store: it is a process, the others are threads of another.
//   node --import tsx bench/scale/join.ts [RANKS…]
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { joinAsRank } from "../../src/torch/testing/join-as-rank.ts";
import { freePort } from "../../src/util/free-port.ts";
import { median } from "../sides.ts";

const connect = (port: number, rank: number, size: number) => joinAsRank({ port, rank, size, timeout: 120 });

/** The other ranks: joins as all of them whenever it is told to, and leaves. */
function beOthers(): void {
  process.on("message", async ({ port, size }: { port: number; size: number }) => {
    const ranks = Array.from({ length: size - 1 }, (_, rank) => connect(port, rank + 1, size));
    const groups = await Promise.all(ranks);
    process.send?.("joined");
    for (const group of groups) group.dispose();
  });
}

async function beFirst(sizes: readonly number[]): Promise<void> {
  const others = fork(fileURLToPath(import.meta.url), ["--others"]);
  for (const size of sizes) {
    const wall: number[] = [];
    const ofRank0: number[] = [];
    for (let round = 0; round < 5; round++) {
      const port = await freePort();
      const [started, cpu] = [performance.now(), process.cpuUsage()];
      others.send({ port, size });
      const [group] = await Promise.all([connect(port, 0, size), once(others, "message")]);
      const { user, system } = process.cpuUsage(cpu);
      wall.push((performance.now() - started) / 1000);
      ofRank0.push((user + system) / 1e6);
      group.dispose();
    }
    console.log(JSON.stringify({ size, seconds: median(wall), cpuOfRank0: median(ofRank0) }));
  }
  others.disconnect();
}

const [first, ...more] = process.argv.slice(2);
if (first === "--others") beOthers();
else
  await beFirst(
    (first === undefined ? ["2", "4", "8", "12", "16", "20", "24"] : [first, ...more]).map(Number),
  );
