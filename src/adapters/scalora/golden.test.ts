import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compareGolden, goldenPolicies } from "./testing/golden.js";

const folder = fileURLToPath(new URL("../../../test/golden/scalora/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const cases = files.flatMap((file) => goldenPolicies.map((policy) => [file, policy] as const));

test.each(cases)("%s, policy %s: every array, the branch and the objective", (file, policy) => {
  const comparisons = compareGolden(`${folder}${file}`, policy);
  expect(comparisons.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
});
