// Seconds until a model makes its first token, by phase, of CPU time and by the clock: npx tsx bench/loading.ts MODEL
// One thread; the model's files are in the page cache when it is run a second time.
import { performance } from "node:perf_hooks";

/** CPU seconds of this process, and seconds since its start. */
function now(): { cpu: number; clock: number } {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1e6, clock: performance.now() / 1e3 };
}

let last = { cpu: 0, clock: 0 };
const phases: Record<string, { cpu: string; clock: string }> = {};

/** What has passed since the last mark goes to this name. */
function mark(name: string, since = last): void {
  last = now();
  const passed = (key: "cpu" | "clock") => (last[key] - since[key]).toFixed(2);
  phases[name] = { cpu: passed("cpu"), clock: passed("clock") };
}

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error("npx tsx bench/loading.ts MODEL");
  process.exit(2);
}
mark("Node, tsx");
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
mark("together", { cpu: 0, clock: 0 });
console.log(path);
console.table(phases);
