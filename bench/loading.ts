// Seconds until a model makes its first token, in a process of its own: npx tsx bench/loading.ts MODEL
// By the clock, with one thread, the model's files in the page cache (run it twice).
import { performance } from "node:perf_hooks";

let last = performance.now();
const seconds: Record<string, string> = { "Node, tsx": (last / 1000).toFixed(2) };

/** What has passed since the last mark goes to this name. */
function mark(name: string): void {
  const now = performance.now();
  seconds[name] = ((now - last) / 1000).toFixed(2);
  last = now;
}

const [path = ""] = process.argv.slice(2);
const { generateText, loadModel } = await import("../src/index.ts");
const { buildTokenizer } = await import("../src/tokenizer/index.ts");
const { locateModel } = await import("../src/model-files/locate-model.ts");
const { readTokenizerSource } = await import("../src/model-files/load-tokenizer.ts");
const { setThreads, torchVersion } = await import("../src/torch/index.ts");
mark("modules");
torchVersion();
setThreads(1);
mark("libtorch");
const model = locateModel(path);
const source = readTokenizerSource(model);
mark("tokenizer, read");
const tokenizer = buildTokenizer(source);
mark("tokenizer, built");
using loaded = await loadModel(model, { dtype: "float32" });
mark("weights");
await generateText(loaded, tokenizer, "The").next();
mark("first token");
seconds["together"] = (performance.now() / 1000).toFixed(2);
console.log(path);
console.table(seconds);
