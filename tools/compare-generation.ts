// Compares a real model's greedy output with transformers':
//   npm run tool -- tools/compare-generation.ts MODEL_FOLDER REFERENCE.json
// The reference comes from tools/reference/greedy.py. Prints each case and the speed; ends with 1 when a token or a text differs.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { openGenerator } from "../src/inference/generate.ts";

const [path = "", referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
  console.error("usage: npm run tool -- tools/compare-generation.ts MODEL_FOLDER REFERENCE.json");
  process.exit(2);
}
const reference = z.object({
  newTokens: z.int(),
  cases: z.array(
    z.object({ prompt: z.string(), ids: z.array(z.int()), tokens: z.array(z.int()), text: z.string() }),
  ),
});
const { newTokens, cases } = reference.parse(JSON.parse(readFileSync(referencePath, "utf8")));
using generator = await openGenerator({ path, dtype: "float32", device: "cpu" });
let failed = 0;

for (const { prompt, ids, tokens, text } of cases) {
  const stream = generator.generate(prompt, { maxTokens: newTokens });
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
process.exitCode = failed > 0 ? 1 : 0;
