import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fuzzInChild } from "./run-child.ts";
import { allTargets } from "./targets/all-targets.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-fuzz-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const slow = allTargets.filter(({ isSlow }) => isSlow);
const fast = allTargets.filter(({ isSlow }) => !isSlow);

// Seeds and inputs that once failed, and damaged ones up to these numbers; `npm run test:fuzz` gives more than a million.
test.each([
  [fast, 80],
  [slow, 6],
])("damaged files of every kind are used or refused as bad input", async (group, inputs) => {
  const targets = group.map(({ name }) => name);
  const budget = { inputs, seconds: 120 };
  const { reports, crash } = await fuzzInChild({ scratch, targets, budget, seed: 1, guided: false });
  expect(crash).toBeUndefined();
  expect(reports.filter(({ failure }) => failure !== undefined)).toEqual([]);
  expect(reports.map(({ target }) => target)).toEqual(targets);
  for (const { target, outcomes } of reports) expect(outcomes, target).toHaveProperty("accepted");
});
