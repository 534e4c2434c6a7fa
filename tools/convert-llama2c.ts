// Makes a Hugging Face folder of a llama2.c model:
//   npm run tool -- tools/convert-llama2c.ts stories260K.bin tok512.bin OUT_FOLDER
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeModelFolder } from "../src/model-files/write-model-folder.ts";
import { fromData, type Tensor } from "../src/torch/index.ts";
import { readJsonObject } from "../src/util/json-file.ts";
import { readLlama2c, readLlama2cTokenizer } from "./llama2c.ts";

const [modelPath = "", tokenizerPath = "", out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: npm run tool -- tools/convert-llama2c.ts MODEL.bin TOKENIZER.bin OUT_FOLDER");
  process.exit(2);
}
const { config, tensors } = readLlama2c(readFileSync(modelPath));
const scratch = mkdtempSync(join(tmpdir(), "llama2c-"));
try {
  const write = (name: string, value: object) =>
    writeFileSync(join(scratch, name), `${JSON.stringify(value, null, 2)}\n`);
  write("config.json", config);
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
  const weights = [...tensors].map(([name, { shape, data }]): [string, Tensor] => [
    name,
    fromData(data, shape, { device: "cpu" }),
  ]);
  writeModelFolder(out, {
    config: readJsonObject(join(scratch, "config.json")),
    weights,
    auxiliarySource: scratch,
  });
} finally {
  rmSync(scratch, { recursive: true });
}
console.log(out);
