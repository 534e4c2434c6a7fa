// One rank of a group in another process: runs a scenario and prints, as JSON, what came of it.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, Worker } from "node:worker_threads";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import {
  type DType,
  fromData,
  gatherTexts,
  type ProcessGroup,
  std,
  type Tensor,
  type TensorData,
  view,
  zeros,
} from "../index.ts";
import { joinAsRank } from "./join-as-rank.ts";

const [scenario = "", port = "", rankText = "", sizeText = "", timeout = "20"] = process.argv.slice(2);
const rank = Number(rankText);
const size = Number(sizeText);

const connect = (seconds = Number(timeout)) =>
  joinAsRank({ port: Number(port), rank, size, timeout: seconds });

const numbers = (tensor: Tensor) => Array.from(tensor.toFloats());
const make = (data: TensorData, dtype: DType) => fromData(data, [data.length], { dtype, device: "cpu" });

/** What a promise led to: a value, or the code and the details of an error. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return (await promise) ?? "done";
  } catch (error) {
    if (error instanceof ScaloraError)
      return { code: error.code, message: error.message.split("\n")[0], found: error.found };
    return { code: "not ours", message: messageOf(error) };
  }
}

/** Calls that are another on rank 0, then equal ones again. */
async function differingCalls(group: ProcessGroup): Promise<unknown[]> {
  using tensor = zeros([rank + 1], { device: "cpu" });
  using one = zeros([1], { device: "cpu" });
  const results = [await outcome(group.allReduce(tensor))];
  results.push(await outcome(rank === 0 ? group.allReduce(one) : group.allReduce(one, "max")));
  results.push(await outcome(rank === 0 ? group.allReduce(one) : group.barrier()));
  results.push(await outcome(group.allReduce(one)));
  return results;
}

const scenarios: Record<string, () => Promise<unknown>> = {
  /** Each collective, with the dtypes that differ. */
  async all() {
    using group = await connect();
    using sum = make(Float32Array.of(rank + 1, 0.5), "float32");
    await group.allReduce(sum);
    using average = make(Uint16Array.of(0x3f80 + 0x80 * rank), "bfloat16");
    await group.allReduce(average, "avg");
    using integers = make(BigInt64Array.of(2n ** 53n + 1n, BigInt(rank)), "int64");
    await group.allReduce(integers, "max");
    using flags = make(Uint8Array.of(rank % 2), "bool");
    using gathered = await group.allGather(flags);
    using rows = make(
      Float32Array.from({ length: 2 * size }, (_, i) => i + rank),
      "float32",
    );
    using part = await group.reduceScatter(rows);
    using swapped = zeros([size, 2], { device: "cpu" });
    await group.allToAll(view(rows, [size, 2]), swapped);
    using short = zeros([1], { device: "cpu" });
    const tooShort = await outcome(group.allToAll(swapped, short));
    using copied = make(Int32Array.of(rank, rank), "int32");
    await group.broadcast(copied, size - 1);
    using empty = zeros([0, 3], { device: "cpu" });
    await group.allReduce(empty);
    await group.setValue(`name/${rank}`, `rank ${rank} ✓`);
    const names = await Promise.all(Array.from({ length: size }, (_, i) => group.getValue(`name/${i}`)));
    await group.barrier();
    return {
      differing: await differingCalls(group),
      sum: numbers(sum),
      average: numbers(average),
      integers: Array.from(integers.data(), String),
      gathered: [gathered.shape, numbers(gathered)],
      part: [part.shape, numbers(part)],
      swapped: numbers(swapped),
      tooShort,
      texts: await gatherTexts(group, "é".repeat(rank)),
      copied: numbers(copied),
      names,
    };
  },
  /** Gathers that are under way while others go on; then one that another rank calls otherwise, and one that lost a rank. */
  async gather() {
    const group = await connect();
    const slices = [make(Float32Array.of(rank, 0.5), "float32"), make(Uint8Array.of(rank + 1), "uint8")];
    const outputs = [zeros([size, 2], { device: "cpu" }), zeros([size], { dtype: "uint8", device: "cpu" })];
    const [first, second] = [group.beginGather(slices, outputs), group.beginGather([], [])];
    await group.barrier();
    group.awaitGather(second);
    group.awaitGather(first);
    const later = async (begin: () => number) => group.awaitGather(begin());
    const again = await outcome(later(() => first));
    const misfit = await outcome(later(() => group.beginGather(slices, outputs.toReversed())));
    const other = rank === 0 ? slices.slice(1) : slices;
    const differing = await outcome(later(() => group.beginGather(other, outputs.slice(-other.length))));
    if (rank === size - 1) process.kill(process.pid, "SIGKILL");
    const lost = await outcome(later(() => group.beginGather(slices, outputs)));
    return { gathered: outputs.map(numbers), again, misfit, differing, lost };
  },
  /** Two signals come while rank 0 waits for a gather, to which the last rank comes later. */
  async signals() {
    using group = await connect();
    if (rank === 0) await group.setValue("pid", `${process.pid}`);
    const pid = Number(await group.getValue("pid"));
    const heard: string[] = [];
    process.on("SIGTERM", (name) => heard.push(name));
    group.awaitGather(group.beginGather([], [])); // from here on signals are counted
    await group.barrier();
    const begin = performance.now();
    if (rank === size - 1)
      for (let i = 0; i < 5; i++) {
        await sleep(600);
        if (i < 2) process.kill(pid, "SIGTERM");
      }
    const later = async () => group.awaitGather(group.beginGather([], []));
    const ended = await outcome(later());
    const seconds = (performance.now() - begin) / 1000;
    // JavaScript hears of them when its thread no longer waits, on a busy machine not at once.
    for (let i = 0; i < 200 && rank === 0 && heard.length < 2; i++) await sleep(10);
    return { ended, seconds, heard };
  },
  /** Every rank asks for a text before it sets the one that another rank asks for. */
  async mirrored() {
    using group = await connect(5);
    const values = await Promise.all([
      outcome(group.getValue(`x/${1 - rank}`)),
      outcome(group.setValue(`x/${rank}`, `from ${rank}`)),
    ]);
    await group.barrier();
    return values;
  },
  /** The last rank ends without a word while the others wait for it. */
  async dead() {
    const group = await connect();
    if (rank === size - 1) process.kill(process.pid, "SIGKILL");
    using tensor = zeros([1000], { device: "cpu" });
    const begin = performance.now();
    const first = await outcome(group.allReduce(tensor));
    const seconds = (performance.now() - begin) / 1000;
    return [first, await outcome(group.barrier()), seconds];
  },
  /** The last rank does not answer in time; the event loop of the others goes on. */
  async late() {
    using group = await connect(4); // The ranks do not start at once.
    if (rank === size - 1) {
      await sleep(6000);
      return "slept";
    }
    let ticks = 0;
    const timer = setInterval(() => ticks++, 20);
    const waited = outcome(group.barrier());
    const missing = outcome(group.getValue("never", 0.5));
    const results = [await waited, await missing];
    clearInterval(timer);
    return [...results, ticks];
  },
  /** Disposed while a collective and a request wait. */
  async dispose() {
    const group = await connect();
    if (rank === 1) {
      await sleep(800);
      return "slept";
    }
    const pending = [outcome(group.barrier()), outcome(group.barrier()), outcome(group.getValue("never"))];
    await sleep(100);
    group.dispose();
    return [...(await Promise.all(pending)), await outcome(group.barrier())];
  },
  /** Rank 0 is a worker thread that is ended while a collective and a request wait. */
  async thread() {
    if (rank === 1) {
      const group = await connect();
      await group.barrier();
      return [await outcome(group.getValue("never")), await outcome(group.barrier())];
    }
    const worker = new Worker(new URL(import.meta.url), { argv: ["waits", port, "0", "2", timeout] });
    await once(worker, "message");
    await sleep(200);
    await worker.terminate();
    using tensor = zeros([2], { device: "cpu" });
    return numbers(tensor);
  },
  async waits() {
    const group = await connect();
    await group.barrier();
    const waiting = [group.barrier(), group.getValue("never")];
    parentPort?.postMessage("waits");
    await Promise.all(waiting);
  },
  /** libtorch warns that one number has no standard deviation. */
  async warns() {
    using group = await connect();
    using one = zeros([1], { device: "cpu" });
    std(one).dispose();
    await group.barrier();
  },
  /** Exits while a collective waits. */
  async exit() {
    const group = await connect();
    if (rank === 1) await sleep(800);
    else {
      void outcome(group.barrier());
      void outcome(group.getValue("never"));
      await sleep(200);
      process.exit(3);
    }
    return "slept";
  },
};

console.log(JSON.stringify(await outcome(scenarios[scenario]?.() ?? Promise.reject(new Error(scenario)))));
