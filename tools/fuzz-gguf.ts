/**
 * Reads damaged GGUF files, each a copy of a fixture with a few bytes changed, and stops at the first that is neither read nor
 * refused with a clear error.
 *
 *     node --import ./src/testing/typescript-hooks.mjs tools/fuzz-gguf.ts [COUNT=100000] [SEED=1]
 */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { survive } from "../src/hub/gguf/testing/survive.js";
import { goldenGguf } from "../src/testing/golden-gguf.js";
import { Random } from "../src/util/random.js";

const [count = 100_000, seed = 1] = process.argv.slice(2).map(Number);
const path = join(mkdtempSync(join(tmpdir(), "scalora-fuzz-")), "damaged.gguf");
const names = ["gemma3", "llama-biases", "llama3-rope", "qwen2"].map((name) => `models/${name}.gguf`);
names.push(...["gpt2", "llama3", "llama", "gemma"].map((name) => `tokenizers/${name}.gguf`));
const sources = names.map((name) => readFileSync(goldenGguf(name)));
const random = new Random(seed);
const counts = { read: 0, refused: 0 };
let slowest = 0;
const started = performance.now();
for (let round = 0; round < count; round++) {
  const begun = performance.now();
  counts[survive(sources[round % sources.length], path, random, 12_000)]++;
  slowest = Math.max(slowest, performance.now() - begun);
}
const seconds = (performance.now() - started) / 1000;
const peak = process.resourceUsage().maxRSS / 1024;
console.log(
  `${count} files in ${seconds.toFixed(0)} s: ${counts.read} read, ${counts.refused} refused; ` +
    `slowest ${slowest.toFixed(0)} ms, peak memory ${peak.toFixed(0)} MiB. The last file: ${path}`,
);
