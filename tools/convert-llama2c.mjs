// Makes a Hugging Face folder of a llama2.c model:
//   node tools/convert-llama2c.mjs stories260K.bin tok512.bin OUT_FOLDER
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModelFolder } from "../dist/model-files/write-model-folder.js";
import { fromData } from "../dist/torch/index.js";
import { parseJson } from "../dist/util/strict-json.js";
import { readLlama2c, readLlama2cTokenizer } from "./llama2c.mjs";

const [modelPath, tokenizerPath, out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: node tools/convert-llama2c.mjs MODEL.bin TOKENIZER.bin OUT_FOLDER");
  process.exit(2);
}
const { config, tensors } = readLlama2c(readFileSync(modelPath));
const companions = mkdtempSync(join(tmpdir(), "llama2c-"));
try {
  const write = (name, value) => writeFileSync(join(companions, name), `${JSON.stringify(value, null, 2)}\n`);
  write("tokenizer.json", readLlama2cTokenizer(readFileSync(tokenizerPath), config.vocab_size));
  write("tokenizer_config.json", {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: "<s>",
    eos_token: "</s>",
    unk_token: "<unk>",
    model_max_length: config.max_position_embeddings,
    clean_up_tokenization_spaces: false,
  });
  // In the training data a story ends where the next one's <s> begins.
  write("generation_config.json", { bos_token_id: 1, eos_token_id: [1, 2] });
  const weights = [...tensors].map(([name, { shape, data }]) => [
    name,
    fromData(data, shape, { device: "cpu" }),
  ]);
  writeModelFolder(out, { config: parseJson(JSON.stringify(config)), weights, companions });
} finally {
  rmSync(companions, { recursive: true });
}
console.log(out);
