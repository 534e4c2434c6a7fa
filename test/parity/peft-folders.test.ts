import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { attachFolder } from "../../src/adapters/index.ts";
import { loadModel } from "../../src/models/index.ts";
import { readSafetensorsHeader } from "../../src/safetensors/index.ts";
import { copyGoldenLlama } from "../../src/testing/golden-llama.ts";
import { temporaryFolder } from "../../src/testing/tiny-run.ts";

const golden = fileURLToPath(new URL("../golden", import.meta.url));
const scratch = temporaryFolder();
afterAll(scratch.remove);

type Config = Readonly<Record<string, unknown>>;

const configOf = (folder: string): Config =>
  JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8"));

/** Every tensor of a folder, its numbers as the bytes that they are. */
function tensorsOf(folder: string) {
  const path = join(folder, "adapter_model.safetensors");
  const data = readFileSync(path);
  const { entries } = readSafetensorsHeader(path);
  const stored = [...entries].map(([name, { dtype, shape, begin, end }]) => [
    name,
    { dtype, shape, bytes: data.subarray(begin, end).toString("hex") },
  ]);
  return Object.fromEntries(stored);
}

/** Keys that say something of single layers: the same may be said in several ways. */
const ofLayers = {
  r: "rank_pattern",
  lora_alpha: "alpha_pattern",
  n_frequency: "n_frequency_pattern",
} as const;
const saidOtherwise = new Set(["target_modules", "use_rslora", ...Object.entries(ofLayers).flat()]);

/** What a config says of a layer, as PEFT reads it: the first key of a pattern that ends the path, else the default. */
function layerSettings(config: Config, path: string) {
  const value = (key: keyof typeof ofLayers): number => {
    const patterns = Object.entries(config[ofLayers[key]] ?? {});
    const own = patterns.find(([pattern]) => new RegExp(`^(.*\\.)?(${pattern})$`).test(path));
    return Number(own?.[1] ?? config[key]);
  };
  const rank = value("r");
  const scale = value("lora_alpha") / (config["use_rslora"] ? Math.sqrt(rank) : rank);
  return { rank, frequencies: value("n_frequency"), scale: scale.toPrecision(12) };
}

/** Keys that PEFT stores at a value other than nothing, and that no computation here depends on. */
const idle = ["peft_version", "megatron_core", "qalora_group_size"];

/** Whether a key that is not written would have said nothing. */
const saysNothing = (value: unknown) =>
  value === null || value === false || (typeof value === "object" && Object.keys(value).length === 0);

/** Attaches the folder to its model and saves it again. */
async function saveAgain(from: string, to: string, base: string): Promise<void> {
  using model = await loadModel(copyGoldenLlama(scratch.path, base));
  const adapters = attachFolder(model, from);
  adapters.saveAdapter(to, base);
  adapters.dispose();
}

/** Every key that is written is one of PEFT's, at its value; those that are not written say nothing. */
function compareSettings(written: Config, config: Config, layers: readonly string[]): void {
  expect(Object.values(written["target_modules"] ?? []).toSorted()).toEqual(layers.toSorted());
  for (const path of layers) expect(layerSettings(written, path), path).toEqual(layerSettings(config, path));
  for (const [key, value] of Object.entries(written)) {
    expect(config, "a key that PEFT knows").toHaveProperty(key);
    if (!saidOtherwise.has(key)) expect(value, key).toEqual(config[key]);
  }
  for (const [key, value] of Object.entries(config))
    if (!(key in written || idle.includes(key))) expect(value, key).toSatisfy(saysNothing);
}

test.each([
  "peft/plain",
  "peft/patterns",
  "peft/rslora",
  "peft-methods/lora",
  "peft-methods/dora",
  "peft-methods/hira",
  "peft-methods/fourierft",
])("%s: PEFT's folder, attached and saved again, holds the same bytes and says the same", async (name) => {
  const theirs = join(golden, name);
  const ours = join(scratch.path, name.replace("/", "-"));
  const config = configOf(theirs);
  await saveAgain(theirs, ours, String(config["base_model_name_or_path"]));
  const tensors = tensorsOf(theirs);
  expect(tensorsOf(ours)).toEqual(tensors);
  const paths = Object.keys(tensors).map((tensor) =>
    tensor.replace(/^base_model\.model\.|\.(lora|hira|fourierft)_.*$/g, ""),
  );
  compareSettings(configOf(ours), config, [...new Set(paths)]);
});
