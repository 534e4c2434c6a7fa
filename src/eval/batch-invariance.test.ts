import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadModel } from "../models/index.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { Random } from "../util/random.ts";
import { compareBatches } from "./testing/batch-invariance.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("scores and texts depend on the batch size (1, 3, 8, 32) by rounding alone", async () => {
  const folder = join(scratch.path, "model");
  writeTinyLlama(folder);
  const random = new Random(7);
  const prompts = Array.from({ length: 40 }, () =>
    Array.from({ length: 4 + random.integerBelow(12) }, () => random.integerBelow(200)),
  );
  using model = await loadModel(folder);
  const { worstSum, ties, different } = await compareBatches(model, prompts, 12);
  expect(worstSum).toBeLessThanOrEqual(1e-5);
  expect(different).toEqual([]);
  expect(ties).toBeLessThan(3);
});
