// Whether a real model's outputs depend on the batch size: 40 prompts of 40 tokens of a text, 16 tokens written greedily and
// their log-likelihoods, at batch 1, 3, 8 and 32, in float32:
// npx tsx tools/compare-batches.ts MODEL_FOLDER TEXT_FILE
// Exits with 1 when a log-likelihood differs by more than 1e-5 nats a token, or a text where no two logits were a tie.
import { readFileSync } from "node:fs";
import { batches, compareBatches } from "../src/eval/testing/batch-invariance.ts";
import { loadTokenizer } from "../src/model-files/load-tokenizer.ts";
import { loadModel } from "../src/models/index.ts";
import { elementAt } from "../src/util/elements.ts";

const [count, length, written] = [40, 40, 16];
const [folder = "", file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: compare-batches.ts MODEL_FOLDER TEXT_FILE");
  process.exit(2);
}
const tokenizer = await loadTokenizer(folder);
const { ids } = await tokenizer.encode(readFileSync(file, "utf8").slice(0, 200_000), {
  addSpecialTokens: false,
});
const stride = Math.floor((ids.length - length) / count);
const prompts = Array.from({ length: count }, (_, i) => ids.slice(i * stride, i * stride + length));
using model = await loadModel(folder, { dtype: "float32" });
const { worstSum, worstPerToken, ties, different, milliseconds } = await compareBatches(
  model,
  prompts,
  written,
);
for (const [i, batch] of batches.entries()) {
  const speed = (1000 * count * written) / elementAt(milliseconds, i);
  console.log(
    `batch ${batch}: ${(elementAt(milliseconds, i) / 1000).toFixed(1)} s, ${speed.toFixed(1)} tokens/s`,
  );
}
console.log(
  `log-likelihoods of ${written} tokens: max|difference| ${worstSum.toExponential(2)} nats, ${worstPerToken.toExponential(2)} a token (limit 1e-5)`,
);
console.log(
  `texts of ${count} prompts at ${batches.length - 1} batch sizes against batch 1: ${different.length} differ, ${ties} more where the two best logits were closer than 1e-4`,
);
for (const what of different) console.log(`  ${what}`);
process.exitCode = different.length === 0 && worstPerToken <= 1e-5 ? 0 : 1;
