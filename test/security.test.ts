import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), "utf8");

test("each promise of docs/security.md names a test that is there", () => {
  const [, table = ""] = /## What we promise\n(.*?)\n## /s.exec(read("docs/security.md")) ?? [];
  const rows = table.split("\n").filter((line) => /^\| (?!Promise)/.test(line));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const shown = [...row.matchAll(/`([\w./-]+\.ts)`(?:: "([^"]+)")?/g)];
    expect(shown, row).not.toEqual([]);
    for (const [, file = "", title = ""] of shown) expect(read(file), file).toContain(title);
  }
});
