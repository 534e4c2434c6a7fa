import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { attach, writeLora } from "../../src/adapters/index.ts";
import { requireLowRank } from "../../src/adapters/testing/low-rank.ts";
import { loadClassifier } from "../../src/models/index.ts";
import { type SequenceClassifier, tokenStream } from "../../src/nn/index.ts";
import { SafetensorsFile } from "../../src/safetensors/index.ts";
import "../../src/testing/close-to.ts";
import { temporaryFolder } from "../../src/testing/tiny-run.ts";
import { tolerances } from "../../src/testing/tolerances.ts";
import { liveTensorCount, noGrad, scope } from "../../src/torch/index.ts";
import { mapTuple } from "../../src/util/elements.ts";

const golden = (...parts: string[]) =>
  fileURLToPath(new URL(`../golden/${parts.join("/")}`, import.meta.url));
const scratch = temporaryFolder();
afterAll(scratch.remove);
const names = ["bert", "roberta", "deberta"];

/** LoRA from a PEFT folder, whose layers, ranks, scales and saved modules are taken. */
const lora = (from: string) => ({ method: "lora", rank: 1, targetModules: "all-linear", from }) as const;

function readCase(name: string) {
  using file = SafetensorsFile.open(golden("peft-classifiers", name, "expected.safetensors"));
  const read = (tensor: string) => {
    using value = file.tensor(tensor);
    return value.toFloats();
  };
  const [tokens, offsets, tokenTypes, logits] = mapTuple(["tokens", "offsets", "types", "logits"], read);
  const logitsOf = (model: SequenceClassifier) =>
    noGrad(() =>
      scope(() => model.logits(tokenStream(tokens, [...offsets], { device: "cpu", tokenTypes })).toFloats()),
    );
  return { model: golden("encoders", file.header.metadata.get("model") ?? ""), logits, logitsOf };
}

test.each(names)(
  "PEFT's adapter of a %s: the logits are PEFT's, and the base model's again without it",
  async (name) => {
    const { model: folder, logits, logitsOf } = readCase(name);
    using model = await loadClassifier(folder);
    const base = logitsOf(model);
    const before = liveTensorCount();
    const adapters = attach(model, lora(golden("peft-classifiers", name)));
    expect(logitsOf(model)).toBeCloseToAll(logits, tolerances.adaptedLogits);
    adapters.dispose();
    expect(liveTensorCount()).toBe(before);
    expect(logitsOf(model)).toEqual(base);
  },
);

test.each(names)("%s: an adapter written again has PEFT's names and values", async (name) => {
  const { model: folder, logits, logitsOf } = readCase(name);
  using model = await loadClassifier(folder);
  const adapters = requireLowRank(attach(model, lora(golden("peft-classifiers", name))));
  const out = join(scratch.path, name);
  writeLora(out, adapters, folder);
  adapters.dispose();
  const config = JSON.parse(readFileSync(join(out, "adapter_config.json"), "utf8"));
  expect(config).toMatchObject({ task_type: "SEQ_CLS" });
  expect([...config.modules_to_save].sort()).toEqual(
    name === "deberta" ? ["classifier", "pooler"] : ["classifier"],
  );
  expect(readdirSync(out).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  const stored = (path: string) => {
    using file = SafetensorsFile.open(join(path, "adapter_model.safetensors"));
    return [...file.header.entries].map(([key, { shape }]) => `${key} ${shape}`).sort();
  };
  expect(stored(out)).toEqual(stored(golden("peft-classifiers", name)));
  const again = attach(model, lora(out));
  expect(logitsOf(model)).toBeCloseToAll(logits, tolerances.adaptedLogits);
  again.dispose();
});
