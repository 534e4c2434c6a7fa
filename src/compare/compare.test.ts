import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { elementAt, required } from "../util/elements.ts";
import { candidateName, rateCandidates, sweptKeys } from "./candidates.ts";
import { readSettings } from "./method-settings.ts";
import { trialResult } from "./testing/trial-result.ts";
import { checkSameInputs, type TrialResult, trialName } from "./trials.ts";

test("settings are read with their keys and rates; names of runs are names of files", () => {
  const [lora, scaled, full] = readSettings(
    ["lora", "scalora-i+rank=1+scale={columnNorm: 0.5}", "full"],
    ["0.01,0.001", "full=1e-4,3e-4", "scalora-i+rank=1+scale={columnNorm: 0.5}=0.02"],
  );
  expect(lora).toEqual({
    name: "lora",
    method: "lora",
    adapterOverrides: {},
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

test("an option of which one key is swept and another fixed is refused, not cut to the swept one", () => {
  expect(() => readSettings(["lora+init={a: [1, 2], b: 3}"], ["1e-3"])).toThrow(
    refusal("usage", { where: /--methods lora/, found: /"b":3/ }),
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
  const first = trialResult("lora", 0.1, 0, { data: "a", model: "m", folder: "runs/first" });
  const check = (figures: Partial<TrialResult>, seed = 0) =>
    checkSameInputs(
      trialResult("full", 0.1, seed, { data: "a", model: "m", folder: "runs/new", ...figures }),
      [first],
    );
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
