import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeTinyBert } from "../testing/tiny-bert.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { loadClassifier, loadModel, readDataLimits } from "./index.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("the limits read from a config are those of the loaded model", async () => {
  const [llama, bert] = [join(scratch.path, "llama"), join(scratch.path, "bert")];
  writeTinyLlama(llama, { config: { max_position_embeddings: 77 } });
  writeTinyBert(bert);
  using decoder = await loadModel(llama);
  expect(readDataLimits(llama)).toEqual({ maxLength: decoder.info.maxPositions });
  using encoder = await loadClassifier(bert, { labels: ["a", "b", "c"] });
  const { maxPositions: maxLength, tokenTypeCount: typeVocabSize, labels, regression } = encoder.info;
  expect(readDataLimits(bert, ["a", "b", "c"])).toEqual({
    maxLength,
    classes: { labels, regression, typeVocabSize },
  });
});
