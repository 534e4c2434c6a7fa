import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runChild } from "../src/testing/child-process.ts";

const command = new URL("../tools/golden.ts", import.meta.url);
const fixture = (name: string) => fileURLToPath(new URL(`golden/scalora/${name}.json`, import.meta.url));

test("the golden command shows the error of every array and fails for a wrong or an unreadable file", async () => {
  const right = await runChild(command, fixture("rank_one"), fixture("01_column_all_nonneg"));
  expect(right).toMatchObject({ code: 0, stderr: "" });
  expect(right.stdout).toMatch(/rank_one\.json\n +default +column( +\S+){12}\n +paper +column( +\S+){12}\n/);
  expect(right.stdout.trimEnd()).toMatch(/4 passed, 0 failed$/);

  const scratch = mkdtempSync(join(tmpdir(), "scalora-golden-"));
  const wrong = join(scratch, "wrong.json");
  const text = readFileSync(fixture("rank_one"), "utf8");
  writeFileSync(wrong, text.replace(/("paper".*?"objective": )[^,]+/s, "$11.5"));
  const failed = await runChild(command, wrong, join(scratch, "none.json"));
  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(/paper +column +\de[+-]\d+\*/);
  expect(failed.stdout).toMatch(/1 passed, 1 failed, 1 of 2 files unreadable/);
  expect(failed.stderr).toMatch(/Not a file of golden vectors[\s\S]*none\.json/);
  rmSync(scratch, { recursive: true });
});
