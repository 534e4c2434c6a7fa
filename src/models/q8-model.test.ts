import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Q8Weight, quantisedWeights } from "../nn/index.ts";
import "../testing/close-to.ts";
import { firstLogits } from "../testing/first-logits.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { tolerances } from "../testing/tolerances.ts";
import { liveTensorCount } from "../torch/index.ts";
import { loadModel, saveModel } from "./index.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const folder = join(scratch.path, "llama");
writeTinyLlama(folder);
const q8 = { quantization: "q8_0" } as const;

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
    expect(firstLogits(model)).toBeCloseToAll(firstLogits(dense), tolerances.q8Logits);
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
  expect(firstLogits(dense)).toBeCloseToAll(firstLogits(model), tolerances.q8Logits);
});

test("bfloat16 computes with the same codes", async () => {
  using model = await loadModel(folder, { ...q8, dtype: "bfloat16" });
  using dense = await loadModel(folder);
  expect(model.info.dtype).toBe("bfloat16");
  expect(firstLogits(model)).toBeCloseToAll(firstLogits(dense), tolerances.bfloat16Logits);
});
