import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { attach } from "../adapters/index.ts";
import { loadModel } from "../models/index.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { fill_, noGrad } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { modelIdentity } from "./model-identity.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("everything in an adapter's state counts, what does not train too", async () => {
  const baseFolder = join(scratch.path, "model");
  writeTinyLlama(baseFolder);
  using model = await loadModel(baseFolder);
  const adapters = attach(model, { method: "flora", rank: 2 });
  const identity = () => modelIdentity({ model, adapters, recipe: undefined, baseFolder });
  const before = identity();
  expect(identity()).toBe(before);
  const trained = new Set(adapters.trainables().map(({ name }) => name));
  const frozen = elementAt(
    [...adapters.state()].filter(([name]) => !trained.has(name)),
    0,
  );
  noGrad(() => fill_(frozen[1], 3));
  expect(identity()).not.toBe(before);
  adapters.dispose();
});
