import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { elementAt, required } from "../util/elements.ts";
import { candidateName, rateCandidates, sweptKeys } from "./candidates.ts";
import { readSettings, type Setting } from "./method-settings.ts";
import { compareHeadline } from "./report.ts";
import { type CompareRow, summarise } from "./summary.ts";
import {
  bestResult,
  checkSameInputs,
  countTrials,
  pendingTrials,
  type TrialResult,
  trialName,
} from "./trials.ts";

const settings: Setting[] = [
  { name: "lora", method: "lora", adapterOverrides: {}, candidates: rateCandidates([0.001, 0.01, 0.1]) },
  { name: "full", method: "full", adapterOverrides: {}, candidates: rateCandidates([0.0001]) },
];
const seeds = [4, 0, 1];

function result(setting: string, lr: number, seed: number, figures: Partial<TrialResult>): TrialResult {
  const nothing = { score: null, loss: null, trainable: 10, secondsPerStep: 0.5, memory: 100, rank: null };
  return { setting, lr, seed, ...nothing, failed: null, data: null, model: null, folder: "", ...figures };
}

const open = (results: TrialResult[]) =>
  pendingTrials(settings, seeds, results).map(({ setting, candidate, seed }) => [
    setting.name,
    candidate.lr,
    seed,
  ]);

test("rates are swept on the first seed; the best one alone runs on the others", () => {
  expect(open([])).toEqual([
    ["lora", 0.001, 4],
    ["lora", 0.01, 4],
    ["lora", 0.1, 4],
    ["full", 0.0001, 4],
  ]);
  const swept = [
    result("lora", 0.001, 4, { loss: 2 }),
    result("lora", 0.01, 4, { loss: 1.5 }),
    result("lora", 0.1, 4, { loss: 1, failed: "the loss is not finite" }),
  ];
  expect(open(swept)).toEqual([
    ["full", 0.0001, 4],
    ["lora", 0.01, 0],
    ["lora", 0.01, 1],
  ]);
  expect(countTrials(settings, seeds)).toBe(8);
});

test("a setting whose runs all failed is not repeated and has no row", () => {
  const results = [0.001, 0.01, 0.1].map((lr) => result("lora", lr, 4, { failed: "diverged" }));
  expect(open(results)).toEqual([["full", 0.0001, 4]]);
  expect(summarise(settings, seeds, results)).toEqual([]);
});

test("a score is better when higher, a loss when lower", () => {
  const losses = [result("a", 1, 0, { loss: 2 }), result("a", 2, 0, { loss: 1 })];
  expect(bestResult(losses)?.lr).toBe(2);
  const scores = [result("a", 1, 0, { loss: 2, score: 0.9 }), result("a", 2, 0, { loss: 1, score: 0.4 })];
  expect(bestResult(scores)?.lr).toBe(1);
});

test("a row has the mean and deviation over the seeds at the best rate, and says when that is at the edge", () => {
  const results = [
    ...[0.001, 0.01, 0.1].map((lr, i) => result("lora", lr, 4, { score: 0.5 - 0.1 * i, loss: 1 })),
    result("lora", 0.001, 0, { score: 0.7, loss: 1, rank: 3, secondsPerStep: 0.7 }),
    result("lora", 0.001, 1, { failed: "killed" }),
    result("full", 0.0001, 4, { score: 0.25, loss: 2 }),
  ];
  const [lora, full] = summarise(settings, seeds, results);
  expect(lora).toMatchObject({
    setting: "lora",
    lr: 0.001,
    figure: "score",
    seeds: 2,
    rank: 3,
    atEdge: true,
  });
  expect(lora?.mean).toBeCloseTo(0.6, 12);
  expect(lora?.deviation).toBeCloseTo(Math.SQRT2 * 0.1, 12);
  expect(lora?.sweep.map(({ value }) => value)).toEqual([0.5, 0.4, 0.3]);
  expect(full).toMatchObject({ lr: 0.0001, mean: 0.25, deviation: null, atEdge: false });
});

test("the headline says whether the seeds tell the best two apart", () => {
  const none = { trainable: null, secondsPerStep: null, memory: null, rank: null, atEdge: false, sweep: [] };
  const row = (setting: string, mean: number, deviation: number | null, seeds = 3): CompareRow => ({
    ...{ setting, lr: 1, figure: "loss", mean, deviation, seeds },
    ...none,
  });
  const clear = compareHeadline([row("lora", 1.5, 0.01), row("scalora", 1.2, 0.02)]);
  expect(clear?.text).toMatch(
    /^scalora is best: its held-out loss is 1\.2000 ± 0\.0200, that of lora 1\.5000/,
  );
  expect(clear?.certainty).toContain("23.2 times its standard error");
  expect(compareHeadline([row("a", 1, 0.3), row("b", 1.1, 0.3)])?.certainty).toContain("do not tell");
  expect(compareHeadline([row("a", 1, null, 1), row("b", 1.1, null, 1)])?.certainty).toContain("One seed");
  expect(compareHeadline([])).toBeNull();
});

test("settings are read with their keys and rates; names of runs are names of files", () => {
  const [lora, scaled, full] = readSettings(
    ["lora", "scalora-i+rank=1+scale={columnNorm: 0.5}", "full"],
    ["0.01,0.001", "full=1e-4,3e-4", "scalora-i+rank=1+scale={columnNorm: 0.5}=0.02"],
  );
  expect(lora).toEqual({
    ...{ name: "lora", method: "lora", adapterOverrides: {} },
    candidates: rateCandidates([0.001, 0.01]),
  });
  expect(scaled).toMatchObject({
    method: "scalora-i",
    adapterOverrides: { rank: 1, scale: { columnNorm: 0.5 } },
    candidates: rateCandidates([0.02]),
  });
  expect(full?.candidates).toEqual(rateCandidates([0.0001, 0.0003]));
  expect(
    trialName({ setting: required(scaled, "the setting"), candidate: { lr: 0.01, options: {} }, seed: 2 }),
  ).toBe("scalora-i+rank=1+scale=-columnNorm-0.5--lr0.01-seed2");
});

test("a list where an option takes one value is swept, with every rate; options that are lists are not", () => {
  const [swept, listed] = readSettings(
    ["scalora+policy=paper+scale={lipschitz: [30, 10]}+interval=[1, 10]", "lora+targetModules=[q_proj]"],
    ["1e-3,1e-2"],
  );
  expect(swept).toMatchObject({ adapterOverrides: { policy: "paper" } });
  expect(swept?.candidates).toHaveLength(8);
  expect(swept?.candidates.slice(0, 3).map(candidateName)).toEqual([
    "lr0.001+scale.lipschitz=10+interval=1",
    "lr0.001+scale.lipschitz=10+interval=10",
    "lr0.001+scale.lipschitz=30+interval=1",
  ]);
  expect(listed).toMatchObject({ adapterOverrides: { targetModules: ["q_proj"] } });
  expect(listed?.candidates).toHaveLength(2);
});

test.each(["[]", "[1, 1]", "[[1]]", "[null]"])("a sweep of %s is refused", (list) => {
  expect(() => readSettings([`scalora+interval=${list}`], ["1e-3"])).toThrow(
    refusal("usage", { where: /--methods scalora/, found: /^\[/ }),
  );
});

test("without rates, those around the method's preset", () => {
  expect(elementAt(readSettings(["lora"], []), 0)?.candidates).toEqual(
    rateCandidates([0.000067, 0.0002, 0.0006]),
  );
});

test.each([
  [["lroa"], [], "did you mean lora?"],
  [["lora", "lora"], [], "names lora twice"],
  [["lora+rank"], [], "method+key=value"],
  [["lora"], ["1e-3,x"], "not a number above 0"],
  [["lora"], ["fulll=1e-3"], "did you mean full?"],
  [["lora+rank=2"], ["full=1e-3"], "rates of full, which is not compared"],
  [["lora+rank=["], [], "not valid YAML"],
])("refused: %o at %o", (methods, lrs, says) => {
  expect(() => readSettings(methods, lrs)).toThrow(says);
});

test("a method whose name ends in a plus sign keeps it", () => {
  const settings = readSettings(["lora+", "lora++ratio=8", "lora+rank=1"], ["lora+=1e-3", "1e-2"]);
  expect(
    settings.map(({ method, adapterOverrides, candidates }) => [
      ...[method, adapterOverrides],
      candidates.map(({ lr }) => lr),
    ]),
  ).toEqual([
    ["lora+", {}, [0.001]],
    ["lora+", { ratio: 8 }, [0.001]],
    ["lora", { rank: 1 }, [0.01]],
  ]);
});

test("a plus sign within a value stays there", () => {
  const [setting] = readSettings(["lora+alpha=1e+2+targetModules=[/q+_proj$/]+rank=2"], []);
  expect(setting?.adapterOverrides).toEqual({ alpha: 100, targetModules: ["/q+_proj$/"], rank: 2 });
});

test("runs of one seed must have the same rows and the same model", () => {
  const first = result("lora", 0.1, 0, { data: "a", model: "m", folder: "runs/first" });
  const check = (figures: Partial<TrialResult>, seed = 0) =>
    checkSameInputs(result("full", 0.1, seed, { data: "a", model: "m", folder: "runs/new", ...figures }), [
      first,
    ]);
  expect(() => check({})).not.toThrow();
  expect(() => check({ data: "b" }, 1)).not.toThrow();
  expect(() => check({ data: null, model: null })).not.toThrow();
  expect(() => check({ data: "b" })).toThrow(
    refusal("config", { where: /^runs\/new$/, found: /rows.*runs\/first$/ }),
  );
  expect(() => check({ model: "n" })).toThrow(
    refusal("config", { where: /^runs\/new$/, found: /model.*runs\/first$/ }),
  );
});

test("a candidate is a rate with swept options, in the name of its run and in the adapter section", () => {
  const candidate = { lr: 0.01, options: { "scale.lipschitz": 4, interval: 10, policy: "paper" } };
  expect(candidateName(candidate)).toBe("lr0.01+scale.lipschitz=4+interval=10+policy=paper");
  expect(sweptKeys(candidate)).toEqual({ scale: { lipschitz: 4 }, interval: 10, policy: "paper" });
  expect(sweptKeys({ lr: 0.01, options: {} })).toEqual({});
});
