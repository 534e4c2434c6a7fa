// A server that answers while it trains, and then with what it has learnt (after `npx scalora get smollm2-135m-instruct`):
//   node --import tsx examples/serve-while-training.ts [MODEL] [PORT]
//   curl localhost:PORT/health
//   curl localhost:PORT/chat -d 'Where is order 1234?'
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { fineTune } from "scalora";

const [model = "smollm2-135m-instruct", port = "0"] = process.argv.slice(2);

/** What the model shall learn: to turn a question into a record. */
const chats = Array.from({ length: 30 }, (_, i) => ({
  messages: [
    { role: "user", content: `Where is order ${1000 + 271 * i}?` },
    { role: "assistant", content: `{"topic": "delivery", "order": ${1000 + 271 * i}}` },
  ],
}));

const stop = new AbortController(); // saves a checkpoint, from which fineTune({ resume: run.folder }) goes on
process.once("SIGINT", () => {
  stop.abort();
  server.close();
});

const run = fineTune({
  model,
  data: { train: chats, eval: "none" },
  method: { method: "lora", rank: 8 },
  train: { steps: 20, lr: 5e-3 },
  run: { samples: 0 },
  signal: stop.signal,
});
let state = "loading";

const server = createServer(async (request, response) => {
  try {
    if (request.url === "/chat") {
      for await (const piece of run.chat(await text(request), { maxTokens: 40 })) response.write(piece);
      response.end("\n");
    } else response.end(`${state}\n`);
  } catch (error) {
    response.writeHead(500).end(`${error}\n`);
  }
});
await once(server.listen(Number(port), "127.0.0.1"), "listening");
const address = server.address();
if (address !== null && typeof address === "object") console.log(`http://127.0.0.1:${address.port}`);

for await (const event of run)
  if (event.type === "activity") state = event.what;
  else if (event.type === "step") state = `step ${event.step}, loss ${event.loss.toFixed(3)}`;
const { reason, step } = await run.result;
state = `${reason} after ${step} steps`;
console.log(state);
