// Compares a real encoder with what transformers computed:
//   npm run tool -- tools/compare-encoder.ts MODEL_FOLDER REFERENCE.safetensors
// The reference comes from tools/reference/encoder_hidden.py. Compares tokens and types of every text, and the hidden
// states of all texts in one stream; exits with 1 when anything is beyond its limit.
import { z } from "zod";
import { loadTokenizer } from "../src/model-files/load-tokenizer.ts";
import { loadClassifier } from "../src/models/index.ts";
import { tokenStream } from "../src/nn/index.ts";
import { SafetensorsFile } from "../src/safetensors/index.ts";
import type { TextOrPair } from "../src/tokenizer/index.ts";
import * as torch from "../src/torch/index.ts";
import { largestOf, zip } from "../src/util/elements.ts";

const limit = 1e-4;
const [folder = "", referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
  console.error("usage: npm run tool -- tools/compare-encoder.ts MODEL_FOLDER REFERENCE.safetensors");
  process.exit(2);
}
using file = SafetensorsFile.open(referencePath);
const numbers = (name: string) => torch.scope(() => Array.from(file.tensor(name).toFloats()));
const [tokens, tokenTypes, offsets] = [numbers("tokens"), numbers("types"), numbers("offsets")];
const texts = z
  .array(z.tuple([z.string(), z.string().nullable()]))
  .parse(JSON.parse(file.header.metadata.get("texts") ?? "null"))
  .map(([text, pair]): TextOrPair => (pair === null ? [text] : [text, pair]));

const tokenizer = await loadTokenizer(folder);
const encoded = await tokenizer.encodePairs(texts, 512);
const sameIds = JSON.stringify(encoded.flatMap(({ ids }) => ids)) === JSON.stringify(tokens);
const sameTypes =
  JSON.stringify(encoded.flatMap(({ tokenTypes: types }) => types)) === JSON.stringify(tokenTypes);
console.log(
  `tokens of ${texts.length} texts ${sameIds ? "equal" : "DIFFER"}, types ${sameTypes ? "equal" : "DIFFER"}`,
);

using model = await loadClassifier(folder);
const found = torch.noGrad(() =>
  torch.scope(() =>
    model.hiddenStates(tokenStream(tokens, offsets, { device: "cpu", tokenTypes })).toFloats(),
  ),
);
const expected = numbers("hidden");
const error = largestOf(zip(found, expected).map(([a, b]) => Math.abs(a - b)));
const largest = largestOf(expected.map(Math.abs));
console.log(
  `hidden states of ${tokens.length} tokens: max|difference| ${error.toExponential(2)} (limit ${limit}), max|value| ${largest.toFixed(2)}`,
);
process.exitCode = sameIds && sameTypes && error <= limit ? 0 : 1;
