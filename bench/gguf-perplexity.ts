// Perplexities of GGUF files on the beginning of a text, as llama-perplexity measures them: pieces of 512 tokens, each alone, of
// which the second half counts.
//   npm run tool -- bench/gguf-perplexity.ts TEXT FILE.gguf… [--chunks 8]
// `llama-perplexity -m FILE.gguf -f TEXT -c 512 --chunks 8` is llama.cpp's measurement of the same; of quantised files it differs a
// little, because llama.cpp rounds the inputs of each product to 8 bits too.
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { readGgufHeader } from "../src/gguf/header.ts";
import { type CausalLM, loadModel, loadTokenizer, torch } from "../src/index.ts";
import { causalLossSum } from "../src/nn/causal-loss.ts";
import { formatBytes } from "../src/util/format.ts";

const chunkTokens = 512;
const firstScored = chunkTokens / 2;

/** The text's first tokens, in pieces; each begins with the token that begins texts, where the model has one. */
async function pieces(path: string, text: string, count: number): Promise<Int32Array[]> {
  const tokenizer = await loadTokenizer(path);
  const { metadata } = readGgufHeader(path);
  const begin = metadata.boolean("tokenizer.ggml.add_bos_token")
    ? metadata.count("tokenizer.ggml.bos_token_id")
    : undefined;
  const { ids } = await tokenizer.encode(text);
  const all = begin !== undefined && ids[0] !== begin ? [begin, ...ids] : [...ids];
  return Array.from({ length: count }, (_, index) => {
    const piece = Int32Array.from(all.slice(index * chunkTokens, (index + 1) * chunkTokens));
    if (piece.length < chunkTokens) throw new Error(`the text has fewer than ${count} pieces`);
    if (begin !== undefined) piece[0] = begin;
    return piece;
  });
}

/** Sum of −log p over the scored tokens of a piece. */
function lossOf(model: CausalLM, tokens: Int32Array): number {
  const labelPositions = Int32Array.from({ length: scoredTokens }, (_, i) => firstScored + i);
  const labelTargets = labelPositions.map((position) => tokens[position + 1] ?? 0);
  const batch = { tokens, offsets: [0, tokens.length], labelPositions, labelTargets };
  return torch.noGrad(() => torch.scope(() => causalLossSum(model, batch).item()));
}

/** The last token has no next one to predict. */
const scoredTokens = chunkTokens - firstScored - 1;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { chunks: { type: "string", default: "8" } },
});
const [textPath, ...files] = positionals;
if (textPath === undefined) throw new Error("TEXT and FILE.gguf are needed");
const count = Number(values.chunks);
const text = readFileSync(textPath, "utf8").slice(0, count * chunkTokens * 8);
for (const file of files) {
  using model = await loadModel(file, { dtype: "float32", device: "cpu" });
  const parts = await pieces(file, text, count);
  const loss = parts.reduce((sum, part) => sum + lossOf(model, part), 0) / (count * scoredTokens);
  console.log(
    `${basename(file).padEnd(24)} ${formatBytes(statSync(file).size).padStart(10)} ${Math.exp(loss).toFixed(4)}`,
  );
}
