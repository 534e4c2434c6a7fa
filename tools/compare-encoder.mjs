// Compares a real encoder with what transformers computed: node tools/compare-encoder.mjs MODEL_FOLDER REFERENCE.safetensors
// The reference comes from tools/reference/encoder_hidden.py. Compares tokens and types of every text, and the hidden
// states of all texts in one stream; exits with 1 when anything is beyond its limit.

import { loadTokenizer } from "../dist/model-files/load-tokenizer.js";
import { loadClassifier } from "../dist/models/index.js";
import { tokenStream } from "../dist/nn/index.js";
import { SafetensorsFile } from "../dist/safetensors/index.js";
import * as torch from "../dist/torch/index.js";

const limit = 1e-4;
const [folder, referencePath] = process.argv.slice(2);
if (referencePath === undefined) {
  console.error("usage: node tools/compare-encoder.mjs MODEL_FOLDER REFERENCE.safetensors");
  process.exit(2);
}
const file = SafetensorsFile.open(referencePath);
const numbers = (name) => torch.scope(() => Array.from(file.tensor(name).toFloats()));
const [tokens, tokenTypes, offsets] = ["tokens", "types", "offsets"].map(numbers);
const texts = JSON.parse(file.header.metadata.get("texts")).map(([text, pair]) => [text, pair ?? undefined]);

const tokenizer = await loadTokenizer(folder);
const encoded = await tokenizer.encodePairs(texts, 512);
const sameIds = JSON.stringify(encoded.flatMap(({ ids }) => ids)) === JSON.stringify(tokens);
const sameTypes =
  JSON.stringify(encoded.flatMap(({ tokenTypes: types }) => types)) === JSON.stringify(tokenTypes);
console.log(
  `tokens of ${texts.length} texts ${sameIds ? "equal" : "DIFFER"}, types ${sameTypes ? "equal" : "DIFFER"}`,
);

const model = await loadClassifier(folder);
const found = torch.noGrad(() =>
  torch.scope(() =>
    model.hiddenStates(tokenStream(tokens, offsets, { device: "cpu", tokenTypes })).toFloats(),
  ),
);
const expected = numbers("hidden");
const error = found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0);
const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
console.log(
  `hidden states of ${tokens.length} tokens: max|difference| ${error.toExponential(2)} (limit ${limit}), max|value| ${largest.toFixed(2)}`,
);
process.exitCode = sameIds && sameTypes && error <= limit ? 0 : 1;
