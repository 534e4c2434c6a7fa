// What collectives cost between ranks: the latency, the work of a message and the bandwidth of the model in src/forecast, as JSON
// with the options for `scalora check --ranks`.
//   npx scalora launch --nproc 2 node --import tsx bench/scale/network.ts
import { initProcessGroup } from "../../src/distributed/index.ts";
import { alone } from "../../src/distributed/launch.ts";
import { othersOf } from "../../src/forecast/collectives.ts";
import { zeros } from "../../src/torch/index.ts";
import { median } from "../sides.ts";

const bytes = 16 * 2 ** 20;
const [smallTimes, largeTimes] = [300, 15];

/** Median seconds of a call, and the mean of its CPU time in this process, which others on the machine do not change. */
async function timesOf(times: number, call: () => Promise<unknown>) {
  await call();
  const cpu = process.cpuUsage();
  const seconds: number[] = [];
  for (let i = 0; i < times; i++) {
    const started = performance.now();
    await call();
    seconds.push((performance.now() - started) / 1000);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { wall: median(seconds), cpu: (user + system) / 1e6 / times };
}

using single = await initProcessGroup({ launch: alone });
const call = await timesOf(smallTimes, () => single.barrier());

using group = await initProcessGroup();
const { size, rank } = group;
if (size === 1) throw new Error("start it as several ranks, as its first lines say");
const shape = [size, bytes / size / 4];
using sent = zeros(shape, { device: "cpu" });
using received = zeros(shape, { device: "cpu" });
using part = zeros([bytes / size / 4], { device: "cpu" });
using few = zeros([size], { device: "cpu" });
using fewMore = zeros([size], { device: "cpu" });

const barrier = await timesOf(smallTimes, () => group.barrier());
const small = await timesOf(smallTimes, () => group.allToAll(few, fewMore));
const latency = (barrier.wall - call.wall) / (size - 1);
// An all-to-all is a barrier and a message to and from each other rank: with few ranks most of it is the waking of threads.
const message = (small.cpu - barrier.cpu) / (size - 1);
/** Bytes a second that a rank sends, and its CPU time for one. */
const ratesOf = async (collective: () => Promise<void>) => {
  const { wall, cpu } = await timesOf(largeTimes, collective);
  const others = othersOf(size, bytes);
  return { bandwidth: others / (wall - small.wall), cpuSecondsPerByte: (cpu - small.cpu) / others };
};
const allToAll = await ratesOf(() => group.allToAll(sent, received));
const gather = await ratesOf(async () => group.awaitGather(group.beginGather([part], [sent])));
if (rank === 0)
  console.log(
    JSON.stringify({
      size,
      callSeconds: call.wall,
      messageSeconds: message,
      latency,
      bandwidth: allToAll.bandwidth,
      allToAll,
      gather,
      options: `--latency ${(latency * 1e6).toPrecision(3)} --bandwidth ${((allToAll.bandwidth * 8) / 1e9).toPrecision(3)}`,
    }),
  );
await group.barrier();
