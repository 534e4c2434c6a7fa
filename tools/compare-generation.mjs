// Compares a real model's greedy output with transformers': node tools/compare-generation.mjs MODEL_FOLDER REFERENCE.json
// The reference comes from tools/reference/greedy.py. Prints each case and the speed; ends with 1 when a token or a text differs.
import { readFileSync } from "node:fs";
import { openGenerator } from "../dist/inference/generate.js";

const [path, referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
  console.error("usage: node tools/compare-generation.mjs MODEL_FOLDER REFERENCE.json");
  process.exit(2);
}
const { newTokens, cases } = JSON.parse(readFileSync(referencePath, "utf8"));
const target = { path, dtype: "float32", device: "cpu" };
const generator = await openGenerator(target);
const { signal } = new AbortController();
const settings = { maxTokens: newTokens, temperature: 0, seed: 0, stop: [] };
let failed = 0;

for (const { prompt, ids, tokens, text } of cases) {
  const stream = generator.generate(prompt, settings, signal);
  let written = "";
  let next = await stream.next();
  for (; !next.done; next = await stream.next()) written += next.value;
  const summary = next.value;
  const good = written === text && summary.tokens === tokens.length && summary.promptTokens === ids.length;
  if (!good) failed++;
  const speed = (summary.tokens / summary.seconds).toFixed(1);
  const about = `${summary.promptTokens} + ${summary.tokens} tokens, ${summary.reason}, ${speed} tokens/s`;
  console.log(`${good ? "ok  " : "FAIL"} ${JSON.stringify(prompt).slice(0, 60)}: ${about}`);
  console.log(`     ${JSON.stringify(written.slice(0, 90))}`);
  if (!good) console.log(`     expected ${JSON.stringify(text)}`);
}
generator.dispose();
process.exitCode = failed > 0 ? 1 : 0;
