import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runChild } from "../src/testing/child-process.ts";
import { elementAt, takeFirst } from "../src/util/elements.ts";

/** The numbers of the rows of one table, by the row's name: loss forward, stored, exported; kept; size of a merge. */
function tables(output: string): Map<string, number[]>[] {
  return output.split("change to learn").map(
    (table) =>
      new Map(
        table.split("\n").flatMap((line) => {
          const row = /^(\S.*?) {2,}((-?\d+\.\d{3}|–)( +(-?\d+\.\d{3}|–)){4})$/.exec(line);
          return row ? [[elementAt(row, 1), elementAt(row, 2).split(/ +/).map(Number)] as const] : [];
        }),
      ),
  );
}

test("the demonstration of merging shows what docs/scalora.md says of it", async () => {
  const { code, stdout } = await runChild(new URL("../tools/demonstrate-merging.ts", import.meta.url));
  expect(code).toBe(0);
  const [, large, small] = takeFirst(tables(stdout), 3);
  for (const table of [large, small]) {
    const row = (name: string) => table.get(name) ?? expect.fail(`no row ${name} in\n${stdout}`);
    const lora = row("LoRA, nothing merged");
    const exact = row("base: exact (float32)");
    const split = row("base: split (bfloat16 + 16 bits)");
    const rounded = row("bfloat16, rounded at each merge");
    expect(exact[0]).toBeLessThan(elementAt(lora, 0) / 3);
    expect(exact[0]).toBeLessThan(elementAt(split, 0));
    expect(split[0]).toBeLessThan(elementAt(lora, 0) / 2);
    expect(rounded[0]).toBeGreaterThan(elementAt(lora, 0));
    expect(split[3]).toBe(1);
    const factored = [128, 64, 32].map((rank) => elementAt(row(`base: factored, R = ${rank}`), 0));
    expect(factored).toEqual(factored.toSorted((a, b) => a - b));
    expect(factored[0]).toBeLessThan(elementAt(lora, 0) / 3);
    expect(factored[2]).toBeLessThan(elementAt(lora, 0));
    expect(rounded[3]).toBeLessThan(0.2);
  }
  // the smaller the change, the more of it bfloat16 hides
  expect(large.get("base: split (bfloat16 + 16 bits)")?.[0]).toBeLessThan(0.2);
  expect(small.get("base: factored, R = 128")?.[0]).toBeLessThan(
    small.get("base: split (bfloat16 + 16 bits)")?.[0] ?? 0,
  );
  expect(small.get("bfloat16, rounded at each merge")?.[0]).toBeGreaterThan(1);
  // docs/scalora.md prints these tables; another processor's last bits may move them a little
  const page = readFileSync(new URL("../docs/scalora.md", import.meta.url), "utf8");
  const printed = tables(page);
  for (const [index, table] of [large, small].entries())
    for (const [name, numbers] of table)
      for (const [column, value] of numbers.entries())
        if (!Number.isNaN(value) && column < 4)
          expect(
            Math.abs((elementAt(printed, index + 1).get(name)?.[column] ?? Number.NaN) - value),
            name,
          ).toBeLessThan(0.1);
}, 180_000);
