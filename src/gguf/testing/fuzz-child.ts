/**
 * Reads damaged GGUF files, each a copy of a fixture with a few bytes changed, and fails at the first that is neither read nor
 * refused with a clear error. A process of its own, because native code may end it.
 *
 *     run-child.ts FOLDER SECONDS SEED
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goldenGguf } from "../../testing/golden-gguf.ts";
import { elementAt } from "../../util/elements.ts";
import { Random } from "../../util/random.ts";
import { readDamagedFile } from "./read-damaged-file.ts";

const [folder = ".", seconds, seed] = process.argv.slice(2);
const models = ["gemma3", "llama-biases", "llama3-rope", "qwen2", "llama-q4_0"];
const files = [
  ...models.map((name) => `models/${name}.gguf`),
  ...["gpt2", "llama3", "llama", "gemma"].map((name) => `tokenizers/${name}.gguf`),
];
const sources = files.map((name) => readFileSync(goldenGguf(name)));
const random = new Random(Number(seed));
const counts = { read: 0, refused: 0 };
let slowest = 0;
const end = performance.now() + 1000 * Number(seconds);
for (let round = 0; performance.now() < end; round++) {
  const started = performance.now();
  const source = elementAt(sources, round % sources.length);
  counts[await readDamagedFile(source, join(folder, "damaged.gguf"), random, 12_000)]++;
  slowest = Math.max(slowest, performance.now() - started);
}
const megabytes = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ ...counts, slowest, megabytes }));
