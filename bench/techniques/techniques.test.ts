import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkDifference, compare } from "../peer/compare.ts";
import { askOurs, checkedOf, writeTinyJob } from "../peer/testing/ask-ours.ts";
import { measuredTechnique } from "../peer/testing/measured-row.ts";
import { techniques } from "./techniques.ts";
import { techniquesTable } from "./techniques-table.ts";

const folder = mkdtempSync(join(tmpdir(), "scalora-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const packageRoot = new URL("../../", import.meta.url);

test.each(techniques)("$name: each module that it replaces is imported where it says", ({ replacements }) => {
  for (const { importer, module, by } of replacements) {
    const imports = [...readFileSync(new URL(importer, packageRoot), "utf8").matchAll(/from "(\..*?)";/g)];
    expect(imports.map(([, path]) => normalize(join(importer, "..", path ?? "")))).toContain(module);
    expect(existsSync(new URL(by, packageRoot))).toBe(true);
  }
});

test("our side computes the same without its techniques", async () => {
  const job = await writeTinyJob(folder);
  const forms = [undefined, "loss", "gemm", "all"];
  const answers = await Promise.all(forms.map((technique) => askOurs(["check"], job, folder, technique)));
  const [full, ...without] = answers.map(([answer]) => checkedOf(answer));
  if (full === undefined) throw new Error("no answer");
  const differences = without.map((each) => compare(full, each));
  for (const difference of differences)
    expect(checkDifference("float32", difference, difference)).toBeUndefined();
  // Other operators round in another way: they have been called.
  expect(differences.at(-1)?.gradient).toBeGreaterThan(0);
  const notes = answers.map(([answer]) => answer?.note);
  expect(notes[2]).not.toBe(notes[0]);
});

test("the table has a line for each technique that was measured, and a column for each model and precision", () => {
  const results = { machine: "a processor", rows: [], generation: [], failed: [], leftOut: [] };
  const rows = [
    measuredTechnique(),
    measuredTechnique({ technique: "memory" }),
    measuredTechnique({ dtype: "bfloat16" }),
  ];
  expect(techniquesTable({ ...results, techniques: [] })).toBe("");
  expect(techniquesTable({ ...results, techniques: rows })).toBe(`\
| technique | instead | S, float32 | S, bfloat16 |
| --- | --- | --- | --- |
| no padding | rows padded to the longest of their batch | 1.75× (1.50–2.00), 500 → 700 MiB | 1.75× (1.50–2.00), 500 → 700 MiB |
| freed memory kept | malloc as it is | 1.75× (1.50–2.00), 500 → 700 MiB | – |

a processor; 2026-11-29; load 1.0 to 2.0; up to 2 rounds.
`);
});
