// What stress.test.ts runs in processes of its own: worker threads that compute at once, and a process that ends while
// they do. It uses the compiled package, so that a thread starts at once. `node stress-program.ts all|own|exit|throw|copy`
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type * as Manifest from "../src/setup/manifest.ts";
import type * as Torch from "../src/torch/index.ts";

/** Compiled, and typed as its sources. */
const torch: typeof Torch = await import(new URL("../dist/torch/index.js", import.meta.url).href);
const { add, fromData, liveTensorCount, matmul, memory, ones, randn, scope, setThreads, sum } = torch;

/** The same numbers in every thread: products with gradients from a seeded generator, all freed at the end. */
function compute(rounds: number) {
  setThreads(1);
  const generator = new torch.Generator(3, "cpu");
  let total = 0;
  for (let i = 0; i < rounds; i++) {
    total += scope(() => {
      const weight = randn([48, 48], { generator, device: "cpu" }).setRequiresGrad(true);
      const x = fromData(new Float32Array(48 * 48).fill(0.01), [48, 48], { device: "cpu" });
      const y = sum(matmul(matmul(x, weight), weight));
      y.backward();
      return y.item() + (weight.grad?.toFloats()[7] ?? Number.NaN);
    });
  }
  generator[Symbol.dispose]();
  return String(total);
}

const startWorker = (data: number | { handle: number }) =>
  new Worker(new URL(import.meta.url), { workerData: data });

/** The next message that says `kind`; an error of the thread ends the process. */
function message(worker: Worker, kind: string): Promise<unknown> {
  return new Promise((resolve) => {
    worker.on("message", (message) => message.kind === kind && resolve(message.value));
  });
}

async function main(mode: string | undefined) {
  if (mode === "own") return ownTensors();
  if (mode === "copy") return copyOfAddon();
  const workers = (mode === "all" ? [200, 200, 200, 200] : [1e6, 1e6]).map(startWorker);
  const answers = workers.map((worker) => message(worker, "answer"));
  const busy = workers.map((worker) => message(worker, "busy"));
  const own = mode === "all" ? compute(200) : undefined;
  await Promise.all(busy);
  if (mode === "exit") process.exit(7);
  if (mode === "throw") throw new Error("ends with its workers busy");
  console.log(JSON.stringify({ own, others: await Promise.all(answers), live: liveTensorCount() }));
}

/** The code and message of what a call throws. */
function refusal(call: () => void): [code: unknown, message: string] | undefined {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return [error.code, error.message];
  }
  return undefined;
}

/** Three threads, one after another, that are given a tensor of this one and leave some of their own behind. */
async function ownTensors() {
  const tensor = fromData(new Float32Array([1, 2]), [2], { device: "cpu" });
  const reports: unknown[] = [];
  const growth: number[] = [];
  for (let i = 0; i < 3; i++) {
    const before = memory().resident;
    const worker = startWorker({ handle: tensor.handle });
    const [[report]] = await Promise.all([once(worker, "message"), once(worker, "exit")]);
    reports.push(report);
    growth.push((memory().resident - before) / 2 ** 20);
  }
  console.log(JSON.stringify({ reports, growth, data: [...tensor.data()], live: liveTensorCount() }));
}

/** A thread with another copy of the addon, as another version of the package has it, before and after this one loads its own. */
async function copyOfAddon() {
  const { manifestPath }: typeof Manifest = await import(
    new URL("../dist/setup/manifest.js", import.meta.url).href
  );
  const cache = mkdtempSync(join(tmpdir(), "copy-"));
  const setup = JSON.parse(readFileSync(manifestPath(), "utf8"));
  const addon = join(cache, "scalora.node");
  copyFileSync(setup.addon, addon);
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  mkdirSync(dirname(manifestPath({ env })), { recursive: true });
  writeFileSync(manifestPath({ env }), JSON.stringify({ ...setup, addon }));
  const startCopy = () => new Worker(new URL(import.meta.url), { workerData: { copy: true }, env });
  if (process.argv[3] === "first") {
    const [copy] = await once(startCopy(), "message");
    console.log(JSON.stringify({ copy, own: refusal(() => liveTensorCount()) ?? "loaded" }));
  } else {
    const live = liveTensorCount();
    const [copy] = await once(startCopy(), "message");
    console.log(JSON.stringify({ copy, own: live === 0 ? "loaded" : live, again: liveTensorCount() }));
  }
  rmSync(cache, { recursive: true });
}

function useForeign(handle: number) {
  // Its constructor is for the package alone.
  const foreign: Torch.Tensor = Reflect.construct(torch.Tensor, [handle]);
  const own = fromData(new Float32Array([7]), [1], { device: "cpu" });
  parentPort?.postMessage({
    use: refusal(() => add(own, foreign)),
    dispose: refusal(() => foreign.dispose()),
    isDisposed: foreign.isDisposed,
    item: own.item(),
    live: liveTensorCount(),
  });
  ones([2 ** 26], { device: "cpu" });
}

if (isMainThread) await main(process.argv[2]);
else if (workerData.handle !== undefined) useForeign(workerData.handle);
else if (workerData.copy) parentPort?.postMessage(refusal(() => liveTensorCount()) ?? "loaded");
else {
  compute(1);
  parentPort?.postMessage({ kind: "busy" });
  parentPort?.postMessage({ kind: "answer", value: compute(workerData) });
}
