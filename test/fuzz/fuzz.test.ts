import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fuzzInChild } from "./run-child.ts";
import { allTargets } from "./targets/all-targets.ts";

const scratch = mkdtempSync(join(tmpdir(), "scalora-fuzz-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Seeds, inputs that once failed, and as many damaged ones as a fraction of a second allows; `npm run test:fuzz` gives more. */
const budget = { inputs: 300, seconds: 0.15 };

test("damaged files of every kind are used or refused as bad input, in little time and memory", async () => {
  const targets = allTargets.map(({ name }) => name);
  const { reports, crash } = await fuzzInChild({ scratch, targets, budget, seed: 1, guided: false });
  expect(crash).toBeUndefined();
  expect(reports.filter(({ failure }) => failure !== undefined)).toEqual([]);
  expect(reports.map(({ target }) => target)).toEqual(targets);
  for (const { target, outcomes } of reports) expect(outcomes.accepted, target).toBeGreaterThan(0);
});
