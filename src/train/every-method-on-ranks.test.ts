// Ranks as processes of their own (testing/train-rank.ts), each of which trains with every method, one after another.
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { methodsAlone, nf4Names } from "../adapters/testing/matrix-rows.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { required, zip } from "../util/elements.ts";
import { trainAllOn } from "./testing/start-ranks.ts";
import type { Case } from "./testing/train-rank.ts";

const scratch = temporaryFolder();
const folder = join(scratch.path, "model");
beforeAll(() =>
  writeTinyLlama(folder, { config: { hidden_size: 16, intermediate_size: 24, vocab_size: 13 } }),
);
afterAll(scratch.remove);

type Base = NonNullable<Case["base"]>;

const optionsOf = (name: string) => required(methodsAlone[name], name).options(2);
/** A method from outside the package would have to be registered in each process. */
const names = Object.keys(methodsAlone).filter((name) => name !== "input-gain");
const isForNf4 = (name: string) => methodsAlone[name]?.onNf4 === true;
const bases: Readonly<Record<string, Base>> = {
  ...Object.fromEntries(
    names.filter((name) => !isForNf4(name)).map((name) => [name, { folder, adapter: optionsOf(name) }]),
  ),
  ...Object.fromEntries(
    names
      .filter((name) => isForNf4(name) || nf4Names.includes(name))
      .map((name) => [`${name}, NF4`, { folder, quantization: "nf4" as const, adapter: optionsOf(name) }]),
  ),
  "scalora, policy svd": { folder, adapter: { method: "scalora", rank: 2, policy: "svd" } },
  "scalora, bfloat16": { folder, dtype: "bfloat16", adapter: { method: "scalora", rank: 2 } },
  "lora, modules to save": {
    folder,
    adapter: { method: "lora", rank: 2, modulesToSave: ["model.norm", "lm_head"] },
  },
};

/** Of an analysis there are the gradients of weights that are not trained, and those of the first half of a step. */
const analysed = ["lora", "scalora", "full", "lora, modules to save"];
const analyses = analysed.map((name) => [
  `${name}, analysed`,
  { analysisEvery: 2, microBatches: 5, base: required(bases[name], name) },
]);

it("2 ranks give the bits of one process with every method", async () => {
  const given: Readonly<Record<string, Omit<Case, "kind">>> = {
    ...Object.fromEntries(Object.entries(bases).map(([name, base]) => [name, { base, microBatches: 3 }])),
    ...Object.fromEntries(analyses),
  };
  const titles = Object.keys(given);
  const cases = titles.map((title): Case => ({ kind: "method", ...required(given[title], title) }));
  const [alone, [first, second]] = await Promise.all([trainAllOn(1, cases), trainAllOn(2, cases)]);
  const byTitle = (results: unknown) =>
    Array.isArray(results) ? Object.fromEntries(zip(titles, results)) : expect.fail("no list");
  const expected = byTitle(alone[0]);
  for (const title of titles) expect(expected[title], title).toMatchObject({ reason: "finished" });
  for (const results of [first, second]) expect(byTitle(results)).toEqual(expected);
}, 60_000);
