import { expect, test } from "vitest";
import { elementAt } from "../util/elements.ts";
import { rateCandidates } from "./candidates.ts";
import type { Setting } from "./method-settings.ts";
import { compareHeadline } from "./report.ts";
import { allDifferences, type CompareRow, summarise } from "./summary.ts";
import { tableCells, tableRemark } from "./table.ts";
import { trialResult as result } from "./testing/trial-result.ts";

const settingOf = (name: string, lrs: number[]): Setting => ({
  name,
  method: name,
  adapterOverrides: {},
  candidates: rateCandidates(lrs),
});
const settings = [settingOf("lora", [0.001, 0.01, 0.1]), settingOf("full", [0.0001])];
const seedSets = { seeds: [4, 0, 1], tuningSeeds: [9] };

test("a row is of the seeds that count at the chosen rate, and is compared with the first on the same seeds", () => {
  const results = [
    ...[0.001, 0.01, 0.1].map((lr, i) => result("lora", lr, 9, { score: 0.9 - 0.1 * i, loss: 1 })),
    result("lora", 0.001, 4, { score: 0.5, loss: 1 }),
    result("lora", 0.001, 0, { score: 0.7, loss: 1, rank: 3, secondsPerStep: 0.7 }),
    result("lora", 0.001, 1, { failed: "killed" }),
    ...[0.25, 0.5, 0.1].map((score, i) =>
      result("full", 0.0001, elementAt([4, 0, 1], i), { score, loss: 2 }),
    ),
  ];
  const rows = summarise(settings, seedSets, results);
  const [lora, full] = rows;
  expect(lora).toMatchObject({
    setting: "lora",
    lr: 0.001,
    figure: "score",
    seeds: 2,
    rank: 3,
    difference: null,
    results: [
      { seed: 4, value: 0.5 },
      { seed: 0, value: 0.7 },
    ],
    edges: [{ key: "lr", value: 0.001, next: 0.0001 }],
  });
  expect(lora?.mean).toBeCloseTo(0.6, 12);
  expect(lora?.deviation).toBeCloseTo(Math.SQRT2 * 0.1, 12);
  expect(lora?.sweep.map(({ lr, value }) => [lr, value])).toEqual([
    [0.001, 0.9],
    [0.01, 0.8],
    [0.1, expect.closeTo(0.7, 12)],
  ]);
  expect(full).toMatchObject({ lr: 0.0001, seeds: 3, edges: [], sweep: [], difference: { pairs: 2 } });
  expect(full?.difference?.mean).toBeCloseTo((-0.25 - 0.2) / 2, 12);
  expect(allDifferences(rows)).toMatchObject([{ setting: "full", other: "lora", pairs: 2 }]);
});

const row = (setting: string, values: number[], changes: Partial<CompareRow> = {}): CompareRow =>
  elementAt(
    summarise(
      [settingOf(setting, [0.01])],
      { seeds: values.map((_, seed) => seed), tuningSeeds: [] },
      values.map((loss, seed) => result(setting, 0.01, seed, { loss, ...changes })),
    ),
    0,
  );

test("the headline says whether the same seeds tell the best two apart, and how many would", () => {
  const clear = compareHeadline([row("lora", [1.5, 1.51, 1.49]), row("scalora", [1.2, 1.22, 1.19])]);
  expect(clear?.text).toMatch(
    /^scalora is best: its held-out loss is 1\.2033 ± 0\.0153, that of lora 1\.5000/,
  );
  expect(clear?.certainty).toBe(
    "On the same 3 seeds they differ by -0.2967 (95 % interval -0.3110 to -0.2823).",
  );
  const noise = compareHeadline([row("a", [1, 1.4, 0.9]), row("b", [1.2, 1.3, 1])]);
  expect(noise?.text).toContain("a is ahead, not clearly");
  expect(noise?.certainty).toMatch(/within noise\. About \d+ seeds would show/);
  expect(compareHeadline([row("a", [1]), row("b", [1.1])])?.certainty).toContain("One seed");
  expect(compareHeadline([])).toBeNull();
});

test("pairs of the same seeds tell what independent ones do not", () => {
  const [first, second] = [row("a", [1, 2, 3]), row("b", [0.9, 1.91, 2.89])];
  expect(compareHeadline([first, second])?.text).toContain("b is best");
});

test("the table has each difference with interval, mark and the seeds needed, and says which seeds chose", () => {
  const values = { a: [1, 1.2, 1.1], b: [0.5, 0.71, 0.6], c: [1.1, 1.1, 1.1] };
  const sets = { seeds: [0, 1, 2], tuningSeeds: [9] };
  const swept = [0.01, 0.03].map((lr) => result("b", lr, 9, { loss: lr }));
  const rows = summarise(
    [settingOf("a", [0.01]), settingOf("b", [0.01, 0.03]), settingOf("c", [0.01])],
    sets,
    [
      ...swept,
      ...Object.entries(values).flatMap(([name, losses]) =>
        losses.map((loss, seed) => result(name, 0.01, seed, { loss })),
      ),
    ],
  );
  const cells = rows.map((each) => tableCells(each).slice(0, 6));
  expect(cells).toEqual([
    ["a", "0.01", "1.1000 ± 0.1000", "3", "–", "–"],
    ["b", "0.01 *", "0.6033 ± 0.1050", "3", "-0.4967 [-0.5110, -0.4823]", "2"],
    ["c", "0.01", "1.1000 ± 0.0000", "3", expect.stringMatching(/^[+-]?0\.0000 \[.*\] ~$/), "–"],
  ]);
  expect(tableRemark(rows, sets).split("\n")).toEqual([
    "Result: the lowest held-out loss, mean ± standard deviation over seeds 0, 1, 2.",
    "The rate was chosen on seed 9, which does not count in the result.",
    expect.stringContaining("Difference: to a, on the same seeds"),
    "* b: lr 0.01 is at the end of its sweep; try 0.0033 as well.",
  ]);
});
