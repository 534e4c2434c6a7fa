// What stress.test.ts runs in processes of its own: worker threads that compute at once, and a process that ends while
// they do. It uses the compiled package, so that a thread starts at once. `node stress-program.mjs all|exit|throw`
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import {
  fromData,
  Generator,
  liveTensors,
  matmul,
  randn,
  scope,
  setThreads,
  sum,
} from "../dist/torch/index.js";

/** The same numbers in every thread: products with gradients from a seeded generator, all freed at the end. */
function compute(rounds) {
  setThreads(1);
  const generator = new Generator(3);
  let total = 0;
  for (let i = 0; i < rounds; i++) {
    total += scope(() => {
      const weight = randn([48, 48], generator).setRequiresGrad(true);
      const x = fromData(new Float32Array(48 * 48).fill(0.01), [48, 48]);
      const y = sum(matmul(matmul(x, weight), weight));
      y.backward();
      return y.item() + weight.grad.toFloats()[7];
    });
  }
  generator[Symbol.dispose]();
  return String(total);
}

const startWorker = (rounds) => new Worker(new URL(import.meta.url), { workerData: rounds });

/** The next message that says `kind`; an error of the thread ends the process. */
function message(worker, kind) {
  return new Promise((resolve) => {
    worker.on("message", (message) => message.kind === kind && resolve(message.value));
  });
}

async function main(mode) {
  const workers = (mode === "all" ? [200, 200, 200] : [1e6, 1e6]).map(startWorker);
  const answers = workers.map((worker) => message(worker, "answer"));
  await Promise.all(workers.map((worker) => message(worker, "busy")));
  const own = compute(200);
  if (mode === "exit") process.exit(7);
  if (mode === "throw") throw new Error("ends with its workers busy");
  console.log(JSON.stringify({ own, others: await Promise.all(answers), live: liveTensors() }));
}

if (isMainThread) await main(process.argv[2]);
else {
  compute(1);
  parentPort.postMessage({ kind: "busy" });
  parentPort.postMessage({ kind: "answer", value: compute(workerData) });
}
