import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createModel, loadClassifier, loadModel, saveModel, saveModelWithConfig } from "../models/index.ts";
import { goldenGguf } from "../testing/golden-gguf.ts";
import { writeTinyBert } from "../testing/tiny-bert.ts";
import { byteTokenizer, tinyLlamaConfig, writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { Generator } from "../torch/index.ts";
import type { JsonObject } from "../util/json-file.ts";
import { parseJson } from "../util/strict-json.ts";
import { runConvert } from "./convert-gguf.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const golden = fileURLToPath(new URL("../../test/golden", import.meta.url));
afterAll(scratch.remove);

/** More tokens than this, and transformers looks for Mistral's old expression unless the config has a version. */
const manyTokens = 100_001;

/** Writes a Llama with very many tokens, as a run on such a base without a version exports it. */
function writeManyTokens(folder: string, modelType: string, version?: string): void {
  const config = {
    ...tinyLlamaConfig,
    model_type: modelType,
    hidden_size: 8,
    vocab_size: manyTokens,
    num_hidden_layers: 1,
    ...(version !== undefined && { transformers_version: version }),
  };
  const vocab: Record<string, number> = { ...byteTokenizer.model.vocab };
  for (let id = Object.keys(vocab).length; id < manyTokens; id++) vocab[`token${id}`] = id;
  const companions = `${folder}-companions`;
  mkdirSync(companions, { recursive: true });
  const tokenizer = { ...byteTokenizer, model: { ...byteTokenizer.model, vocab } };
  writeFileSync(join(companions, "tokenizer.json"), JSON.stringify(tokenizer));
  using generator = new Generator(1, "cpu");
  using model = createModel(config, generator);
  saveModelWithConfig(model, jsonOf(config), companions, folder);
}

function jsonOf(value: unknown): JsonObject {
  const json = parseJson(JSON.stringify(value));
  if (json instanceof Map) return json;
  throw new Error("a config is an object");
}

const configOf = (name: string) => JSON.parse(readFileSync(at(name, "config.json"), "utf8"));

/** Exports a classifier with newly initialised head, as a merged export does. */
async function exportClassifier(source: string, name: string): Promise<void> {
  using model = await loadClassifier(source, { labels: ["no", "yes"] });
  saveModel(model, source, at(name));
}

const folders = ["llama", "gemma3", "qwen3", "tiny", "many", "bert", "deberta"];

beforeAll(async () => {
  for (const name of ["llama", "gemma3", "qwen3"]) {
    const path = goldenGguf("models", `${name}.gguf`);
    await runConvert({ path, out: at(name) });
  }
  writeTinyLlama(at("base"));
  using model = await loadModel(at("base"));
  saveModel(model, at("base"), at("tiny"));
  writeManyTokens(at("many"), "llama");
  writeTinyBert(at("bert-base"));
  await exportClassifier(at("bert-base"), "bert");
  cpSync(join(golden, "encoders", "deberta-v3"), at("deberta-base"), { recursive: true });
  copyFileSync(join(golden, "tokenizers", "deberta", "spm.model"), at("deberta-base", "spm.model"));
  await exportClassifier(at("deberta-base"), "deberta");
});

test("a written config names the transformers version of its format, where its source names none", () => {
  for (const name of folders) expect(configOf(name).transformers_version, name).toMatch(/^5\.\d+\.\d+$/);
  writeManyTokens(at("old"), "llama", "4.51.0");
  expect(configOf("old").transformers_version).toBe("4.51.0");
  // The tokenizer of a Mistral folder may be an old one, which transformers can tell only without a version.
  writeManyTokens(at("mistral"), "mistral");
  expect(configOf("mistral")).not.toHaveProperty("transformers_version");
});

const hasTransformers =
  spawnSync("python3", [
    "-c",
    "import importlib.util as u, sys; sys.exit(not (u.find_spec('transformers') and u.find_spec('torch')))",
  ]).status === 0;

test.skipIf(!hasTransformers)(
  "transformers 5 loads and runs the folders without a warning (python3 with transformers and torch)",
  () => {
    const script = fileURLToPath(new URL("../../tools/reference/load_folders.py", import.meta.url));
    const paths = folders.map((name) => at(name));
    const said = execFileSync("python3", [script, ...paths], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(JSON.parse(said)).toEqual(Object.fromEntries(paths.map((path) => [path, []])));
  },
  300_000,
);
