import { expect, test } from "vitest";
import type { RunForecast } from "../../recipes/check-recipe.ts";
import { checkText } from "./check-view.ts";

/** Of a model that cannot be loaded here. */
const unloaded: RunForecast = {
  steps: 7,
  parameters: { trainable: null, all: 8_000_000_000 },
  data: { rows: 3, heldOut: 0, labelTokens: 20, tokens: 50 },
  memory: null,
  disk: null,
  probe: null,
  ranks: null,
};
const textOf = (run: RunForecast) =>
  checkText({ ok: false, errors: [], warnings: [], run }, "", { paint: (_, text) => text });

test("what is not known of a run is left out, or said to be unknown", () => {
  const text = textOf(unloaded);
  expect(text).toMatch(/^parameters +8,000,000,000; how many are trained is known once they are loaded$/m);
  expect(text).toMatch(/^steps +7$/m);
  expect(text).not.toMatch(/memory|disk|time/);
});

test("memory of which a part could not be measured is at least what is known", () => {
  const need = { total: 2 ** 30, least: 2 ** 30, fixed: 2 ** 30, perToken: null, tokens: 50, longestRow: 20 };
  const limit = { bytes: 2 ** 31, of: "the machine" } as const;
  const memoryOf = (unknown: string[]) =>
    textOf({ ...unloaded, memory: { ...need, unknown, limit, gpu: null } }).match(/^memory .*$/m)?.[0];
  expect(memoryOf(["a training batch: a fault"])).toMatch(/ at least 1\.00 GiB of 2\.00 GiB /);
  expect(memoryOf([])).toMatch(/ about 1\.00 GiB of 2\.00 GiB /);
});
