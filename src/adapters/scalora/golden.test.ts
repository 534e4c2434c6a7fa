import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { refusal } from "../../testing/refusal.ts";
import { liveTensorCount } from "../../torch/index.ts";
import { compareGolden, goldenPolicies, readGolden } from "./testing/golden.ts";

const folder = fileURLToPath(new URL("../../../test/golden/scalora/", import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const cases = files.flatMap((file) => goldenPolicies.map((policy) => [file, policy] as const));

test.each(cases)("%s, policy %s: every array, the branch and the objective", (file, policy) => {
  const live = liveTensorCount();
  const result = compareGolden(readGolden(`${folder}${file}`), policy);
  expect(liveTensorCount()).toBe(live);
  expect(result.branch).toBe(result.expectedBranch);
  expect(result.comparisons.filter(({ error, tolerance }) => !(error <= tolerance))).toEqual([]);
  expect(result.passed).toBe(true);
});

test("the cases reach every branch of both policies", () => {
  const reached = (policy: "default" | "paper") =>
    new Set(files.map((file) => readGolden(`${folder}${file}`).expected[policy].branch));
  expect([...reached("default")].sort()).toEqual(["column", "nnls", "skip_zero_factor", "skip_zero_grad"]);
  expect([...reached("paper")].sort()).toEqual([
    "column",
    "scalar",
    "skip_boundary",
    "skip_zero_factor",
    "skip_zero_grad",
  ]);
});

test("a wrong number, a wrong branch and a file of another format are seen", () => {
  const scratch = mkdtempSync(join(tmpdir(), "scalora-golden-"));
  const changed = (change: (text: string) => string) => {
    const path = join(scratch, "changed.json");
    writeFileSync(path, change(readFileSync(`${folder}rank_one.json`, "utf8")));
    return readGolden(path);
  };
  const result = (change: (text: string) => string) => compareGolden(changed(change), "default");
  const alpha = /("default".*?"alpha": \[)([^\]]+)/s;
  const wrong = result((text) => text.replace(alpha, (_, start, value) => `${start}${value * (1 + 1e-8)}`));
  expect(wrong.passed).toBe(false);
  expect(wrong.comparisons.filter(({ error, tolerance }) => error > tolerance)).toMatchObject([
    { array: "alpha", error: expect.closeTo(1e-8, 12) },
  ]);
  expect(result((text) => text.replace('"branch": "column"', '"branch": "nnls"')).passed).toBe(false);
  expect(() => changed(() => "{")).toThrow(refusal("format", { where: "changed.json", found: "position 1" }));
  expect(() => changed(() => "{}")).toThrow(refusal("format", { found: /^name: / }));
  expect(() => changed((text) => text.replace('"vB"', '"vb"'))).toThrow(
    refusal("format", { found: /^inputs\.vB: / }),
  );
  expect(() => changed((text) => text.replace(alpha, "$1$2, 1"))).toThrow(
    refusal("format", { found: /^expected\.default\.alpha .*\[2\].*\[1\]/ }),
  );
  expect(() => readGolden(join(scratch, "none.json"))).toThrow(
    refusal("format", { where: "none.json", found: "ENOENT" }),
  );
  rmSync(scratch, { recursive: true });
});
