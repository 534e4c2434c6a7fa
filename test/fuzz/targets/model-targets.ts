import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { attachFolder } from "../../../src/adapters/index.ts";
import { ggufConfig, ggufGenerationConfig, ggufWeights } from "../../../src/gguf/index.ts";
import { loadTokenizer } from "../../../src/model-files/load-tokenizer.ts";
import { configLocation, readModelConfig } from "../../../src/model-files/model-config.ts";
import { readEosTokenIds } from "../../../src/model-files/read-eos-token-ids.ts";
import { isClassifierConfig, parseClassifierConfig } from "../../../src/models/classifier-families.ts";
import { parseConfig } from "../../../src/models/families.ts";
import { loadModel } from "../../../src/models/index.ts";
import { type CausalLM, tokenStream } from "../../../src/nn/index.ts";
import { readSafetensorsHeader, SafetensorsFile } from "../../../src/safetensors/index.ts";
import { noGrad, scope } from "../../../src/torch/index.ts";
import { elementAt } from "../../../src/util/elements.ts";
import { ScaloraError } from "../../../src/util/errors.ts";
import type { Mutator } from "../mutate/bytes.ts";
import { mutateGguf } from "../mutate/gguf.ts";
import { mutateJson } from "../mutate/json.ts";
import { mutateSafetensors } from "../mutate/safetensors.ts";
import { bytesOf, golden, goldenPath, type Target } from "../target.ts";

function runModel(model: CausalLM): void {
  const tokens = tokenStream([0, 1, 2, 1], undefined, { device: "cpu" });
  noGrad(() => scope(() => model.lm_head.forward(model.hiddenStates(tokens)).toFloats()));
}

/** Reads every number of every tensor whose dtype torch has. */
function readTensors(path: string): void {
  using file = SafetensorsFile.open(path);
  for (const name of file.entries.keys()) scope(() => file.tensor(name).data());
}

const safetensors: Target = {
  name: "safetensors",
  file: "model.safetensors",
  seeds: [
    golden("peft", "plain", "adapter_model.safetensors"),
    golden("gguf", "models", "llama.safetensors"),
    golden("peft", "rslora", "adapter_model.safetensors"),
  ],
  mutate: mutateSafetensors,
  use: (folder) => readTensors(join(folder, "model.safetensors")),
};

const ggufNames = ["gemma3", "llama-biases", "llama3-rope", "qwen2", "llama-q4_0"];
const ggufModels = ggufNames.map((name) => golden("gguf", "models", `${name}.gguf`));
const ggufTokenizers = ["gpt2", "llama3", "llama", "gemma"].map((name) =>
  golden("gguf", "tokenizers", `${name}.gguf`),
);

/** Refused only if every reader refuses, with the first refusal. */
async function useEach(readers: readonly (() => unknown)[]): Promise<void> {
  const refusals: ScaloraError[] = [];
  for (const read of readers) {
    try {
      await read();
    } catch (error) {
      if (!(error instanceof ScaloraError && error.exitCode === 2)) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length === readers.length) throw elementAt(refusals, 0);
}

function readGgufNumbers(path: string): void {
  using weights = ggufWeights(path);
  for (const name of weights.entries.keys()) scope(() => weights.tensor(name).data());
}

const text = "The 3 cats' naïve\n\n  日本 <s> 😀";

async function readTexts(path: string): Promise<void> {
  const tokenizer = await loadTokenizer(path);
  const { ids } = await tokenizer.encode(text);
  await tokenizer.decode(ids);
}

const gguf: Target = {
  name: "gguf",
  file: "model.gguf",
  seeds: [...ggufModels, ...ggufTokenizers],
  mutate: mutateGguf,
  use: (folder) => {
    const path = join(folder, "model.gguf");
    return useEach([
      () => ggufConfig(path),
      () => ggufGenerationConfig(path),
      () => readGgufNumbers(path),
      () => readTexts(path),
    ]);
  },
};

const ggufModel: Target = {
  name: "gguf-model",
  file: "model.gguf",
  seeds: ggufModels,
  mutate: mutateGguf,
  use: async (folder) => {
    using model = await loadModel(join(folder, "model.gguf"));
    runModel(model);
  },
};

const configs = [
  "llama/gqa",
  "llama/longrope-within",
  "llama/yarn-mscale",
  "mistral/blocks",
  "qwen2/layer-types",
  "qwen3/window",
  "gemma2/saved",
  "gemma3/saved",
  "gemma3_text/ropes",
  "encoders/bert-classes",
  "encoders/roberta-types",
  "encoders/deberta-v3",
];
const configValues = [
  '"llama"',
  '"gelu"',
  '"yarn"',
  '"longrope"',
  '"float16"',
  '{"rope_type":"linear","factor":2}',
];

const config: Target = {
  name: "config",
  file: "config.json",
  seeds: configs.map((name) => golden(name, "config.json")),
  mutate: mutateJson(configValues),
  use: (folder) => {
    readEosTokenIds(folder);
    const values = readModelConfig(folder);
    const where = configLocation(folder);
    if (isClassifierConfig(values)) parseClassifierConfig(values, where);
    else parseConfig(values, where).describeForGguf();
  },
};

const modelConfig: Target = {
  name: "model-config",
  file: "config.json",
  seeds: [golden("llama", "gqa", "config.json")],
  mutate: mutateJson(configValues),
  prepare: (folder) =>
    copyFileSync(goldenPath("llama", "gqa", "model.safetensors"), join(folder, "model.safetensors")),
  use: async (folder) => {
    using model = await loadModel(folder);
    runModel(model);
  },
};

const shardName = "model-00001-of-00001.safetensors";

function shardIndex(): Uint8Array {
  const { entries } = readSafetensorsHeader(goldenPath("llama", "gqa", "model.safetensors"));
  const weightMap = Object.fromEntries([...entries.keys()].map((name) => [name, shardName]));
  return bytesOf({ metadata: { total_size: 68_256 }, weight_map: weightMap });
}

const weightsIndex: Target = {
  name: "weights-index",
  file: "model.safetensors.index.json",
  seeds: [shardIndex()],
  mutate: mutateJson(['"config.json"', '"../x.safetensors"', '"model-00002-of-00002.safetensors"']),
  prepare: (folder) => {
    copyFileSync(goldenPath("llama", "gqa", "config.json"), join(folder, "config.json"));
    copyFileSync(goldenPath("llama", "gqa", "model.safetensors"), join(folder, shardName));
  },
  use: async (folder) => {
    using _model = await loadModel(folder);
  },
};

/** The model whose layers the adapter of the fixture fits. */
let base: CausalLM | undefined;

async function attachToBase(folder: string): Promise<void> {
  base ??= await loadModel(goldenPath("llama", adapterBase()));
  using _adapters = attachFolder(base, folder);
  runModel(base);
}

function adapterBase(): string {
  const { metadata } = readSafetensorsHeader(goldenPath("peft", "plain", "expected.safetensors"));
  return metadata.get("model") ?? "";
}

const adapterFiles = ["adapter_config.json", "adapter_model.safetensors"] as const;

/** The folder of an adapter, one of whose files is damaged. */
const adapterTarget = (name: string, file: string, mutate: Mutator): Target => ({
  name,
  file,
  seeds: [golden("peft", "plain", file)],
  mutate,
  prepare: (folder) => {
    for (const own of adapterFiles) copyFileSync(goldenPath("peft", "plain", own), join(folder, own));
  },
  use: attachToBase,
});

/** Models: weights, configs, adapters. */
export const modelTargets: readonly Target[] = [
  safetensors,
  gguf,
  ggufModel,
  config,
  modelConfig,
  weightsIndex,
  adapterTarget(
    "adapter-config",
    adapterFiles[0],
    mutateJson(['"LORA"', '"q_proj"', '{"q_proj":1}', '"(a|a)*$"']),
  ),
  adapterTarget("adapter-weights", adapterFiles[1], mutateSafetensors),
];
