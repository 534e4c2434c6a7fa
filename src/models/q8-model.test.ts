import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type CausalLM, Q8Weight, quantisedWeights, tokenStream } from "../nn/index.ts";
import "../testing/close-to.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { tolerances } from "../testing/tolerances.ts";
import { liveTensorCount, noGrad, scope } from "../torch/index.ts";
import { loadModel, saveModel } from "./index.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const folder = join(scratch.path, "llama");
writeTinyLlama(folder);
const q8 = { quantization: "q8_0" } as const;

const logits = (model: CausalLM) =>
  noGrad(() =>
    scope(() =>
      model.lm_head
        .forward(model.hiddenStates(tokenStream(Int32Array.of(1, 2, 3), undefined, { device: "cpu" })))
        .toFloats(),
    ),
  );

test("linear layers within blocks, embedding and output layer are quantised, where rows are whole blocks", async () => {
  const live = liveTensorCount();
  {
    using model = await loadModel(folder, q8);
    const names = quantisedWeights(model).map(([name]) => name);
    expect(names).toHaveLength(2 * 6 + 2);
    expect(names).toContain("model.embed_tokens.weight");
    expect(names).toContain("lm_head.weight");
    // Its rows of 48 values are not whole blocks of 32.
    expect(names).not.toContain("model.layers.0.mlp.down_proj.weight");
    expect(model.info.dtype).toBe("float32");
    using dense = await loadModel(folder);
    expect(logits(model)).toBeCloseToAll(logits(dense), tolerances.q8Logits);
  }
  expect(liveTensorCount()).toBe(live);
});

test("a tied output layer is the embedding; saved, it is an ordinary folder of the same numbers", async () => {
  const tied = join(scratch.path, "tied");
  writeTinyLlama(tied, { config: { tie_word_embeddings: true } });
  using model = await loadModel(tied, q8);
  expect(model.info.tiedEmbeddings).toBe(true);
  expect(model.lm_head.weight).toBeInstanceOf(Q8Weight);
  const out = join(scratch.path, "saved");
  saveModel(model, tied, out);
  using dense = await loadModel(out);
  expect(dense.info.tiedEmbeddings).toBe(true);
  expect(logits(dense)).toBeCloseToAll(logits(model), tolerances.q8Logits);
});

test("bfloat16 computes with the same codes", async () => {
  using model = await loadModel(folder, { ...q8, dtype: "bfloat16" });
  using dense = await loadModel(folder);
  expect(model.info.dtype).toBe("bfloat16");
  expect(logits(model)).toBeCloseToAll(logits(dense), tolerances.bfloat16Logits);
});
