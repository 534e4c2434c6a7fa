import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { classifierFamilies } from "../models/classifier-families.ts";
import { loadModel, modelFamilies, saveModel } from "../models/index.ts";
import { type CausalLM, tokenStream } from "../nn/index.ts";
import "../testing/close-to.ts";
import { copyGolden } from "../testing/golden-models.ts";
import { refusal } from "../testing/refusal.ts";
import { tolerances } from "../testing/tolerances.ts";
import { Generator, noGrad, normal_, scope } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { type AdapterOptions, attach } from "./index.ts";
import { requireLowRank } from "./testing/low-rank.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-families-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const methods: AdapterOptions[] = [
  { method: "lora", rank: 2, alpha: 4, targetModules: "all-linear" },
  { method: "scalora-i", rank: 2, alpha: 4, targetModules: "all-linear" },
];
const encoders = new Set(classifierFamilies());
const decoders = modelFamilies().filter((family) => !encoders.has(family));
const cases = decoders.flatMap((family) => methods.map((options) => [family, options] as const));

const folderOf = (family: string) => copyGolden(scratch, family, family === "llama" ? "untied" : "saved");

function logits(model: CausalLM): Float64Array {
  const stream = tokenStream([1, 5, 9, 3, 7, 2, 8, 6], [0, 6, 8], { device: "cpu" });
  return noGrad(() => scope(() => model.lm_head.forward(model.hiddenStates(stream)).toFloats()));
}

test.each(cases)(
  "%s, $1.method: all-linear adapts every projection, and the merged folder is the same",
  async (family, options) => {
    const folder = folderOf(family);
    using model = await loadModel(folder);
    const plain = logits(model);
    const adapters = requireLowRank(attach(model, options, 1));
    expect(adapters.adaptedPaths()).toHaveLength(7 * model.info.layers);
    expect(adapters.adaptedPaths()).not.toContain("lm_head");
    expect(logits(model)).toEqual(plain);

    using generator = new Generator(3, "cpu");
    noGrad(() => {
      for (const { leaves } of adapters.banks)
        for (const { A } of leaves) normal_(A, { std: 0.05, generator });
    });
    const adapted = logits(model);
    expect(Math.max(...adapted.map((x, i) => Math.abs(x - elementAt(plain, i))))).toBeGreaterThan(0.01);
    const paths = new Set(adapters.adaptedPaths());
    const replace = (name: string) => {
      const path = name.replace(/\.weight$/, "");
      return paths.has(path) ? adapters.mergedWeight(path) : undefined;
    };
    saveModel(model, folder, join(folder, "merged"), { replace });
    using merged = await loadModel(join(folder, "merged"));
    expect(logits(merged)).toBeCloseToAll(adapted, tolerances.adaptedLogits);
    adapters.dispose();
  },
);

test.each(["gemma2", "gemma3_text", "qwen3"])(
  "%s: the tied output layer is refused, or gets a weight of its own",
  async (family) => {
    using model = await loadModel(folderOf(family));
    const options = { method: "scalora", rank: 2, alpha: 4, targetModules: ["lm_head"] } as const;
    expect(() => attach(model, options, 1)).toThrow(
      refusal("config", { where: /^lm_head$/, found: "model.embed_tokens", fix: "adapter.tied: untie" }),
    );
    const plain = logits(model);
    const adapters = attach(model, { ...options, tied: "untie" }, 1);
    expect(model.info.tiedEmbeddings).toBe(false);
    // The cap on logits stays behind the adapter.
    expect(logits(model)).toBeCloseToAll(plain, tolerances.adaptedLogits);
    adapters.dispose();
  },
);
