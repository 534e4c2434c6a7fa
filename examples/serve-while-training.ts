// Trains in a worker thread while a server answers in this one: node --import tsx examples/serve-while-training.ts [PORT]
import { once } from "node:events";
import { createServer } from "node:http";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { parseRecipe, type RunEvent, runTraining } from "scalora";

const recipe = parseRecipe({
  model: { path: "assets/tiny" },
  adapter: { method: "scalora-i", rank: 4 },
  data: { train: "examples/data/train.jsonl" },
  train: { steps: 60, batchSize: 8, lr: 5e-3 },
  run: { folder: "runs", name: `served-${process.pid}` },
});

if (isMainThread) await serve(Number(process.argv[2] ?? 0));
else {
  const { signal } = new AbortController();
  await runTraining(recipe, { signal, onEvent: (event) => parentPort?.postMessage(event) });
}

/** Answers with where the run stands until it ends. */
async function serve(port: number): Promise<void> {
  let last: Extract<RunEvent, { type: "step" }> | undefined;
  const worker = new Worker(new URL(import.meta.url));
  worker.on("message", (event: RunEvent) => {
    if (event.type === "step") last = event;
  });
  const server = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ step: last?.step ?? 0, loss: last?.loss ?? null }));
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`http://127.0.0.1:${address.port}`);
  await once(worker, "exit");
  console.log(`trained: step ${last?.step}, loss ${last?.loss.toFixed(3)}`);
  server.close();
}
