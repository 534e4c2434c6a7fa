import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { listMethods } from "../adapters/registry.ts";
import { describeSection, loadRecipe, parseRecipe, recipeToYaml } from "./index.ts";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { path: folder, load, problems, remove } = recipeFolder();
afterAll(remove);

/** For `toThrow`: a recipe with this one problem. */
const issue = (fields: object) => expect.objectContaining({ issues: [expect.objectContaining(fields)] });

test("a minimal recipe gets every default, and absolute paths", () => {
  const recipe = load(minimal);
  expect(recipe.model).toEqual({
    path: join(folder, "model"),
    dtype: "auto",
    device: "auto",
    quantization: "none",
  });
  expect(recipe.adapter).toMatchObject({
    method: "scalora-i",
    rank: 8,
    alpha: 16,
    interval: 10,
    policy: "default",
    moments: "transfer",
    scale: "auto",
    base: "auto",
    targetModules: "all-linear",
  });
  expect(recipe.data.train).toEqual([{ path: join(folder, "chats.jsonl") }]);
  expect(recipe.data.eval).toEqual({ holdOut: 0.05 });
  expect(recipe.train).toMatchObject({ epochs: 1, batchSize: 8, lr: 2e-4, clip: 1, seed: 0, warmup: 0.05 });
  expect(recipe.train.steps).toBeUndefined();
  expect(recipe.run).toEqual({ name: "recipe-scalora-i", folder: join(folder, "runs"), samples: 2 });
});

test("an analysis looks every 50 steps, or as often as it is told; without the key there is none", () => {
  const analysisOf = (...set: string[]) => load(minimal, set).run.analysis;
  expect(analysisOf()).toBeUndefined();
  expect(analysisOf("run.analysis={}")).toEqual({ every: 50 });
  expect(analysisOf("run.analysis.every=7")).toEqual({ every: 7 });
  expect(() => analysisOf("run.analysis.every=0")).toThrow(
    issue({ key: "run.analysis.every", expected: expect.stringContaining("at least 1"), found: "0" }),
  );
  expect(() => analysisOf("run.analysis=10")).toThrow(
    issue({ key: "run.analysis", expected: expect.stringContaining("{every: N}"), found: "10" }),
  );
});

test("scalora acts at every step, and policy svd resets the moments", () => {
  expect(load(minimal, ["adapter.method=scalora"]).adapter).toMatchObject({ interval: 1, alpha: 16 });
  expect(load(minimal, ["adapter.policy=svd"]).adapter).toMatchObject({ moments: "reset" });
});

test.each(["lora", "scalora", "scalora-i", "full"])(
  "the resolved recipe of %s reads back the same",
  (method) => {
    for (const optimizer of ["adamw", "sgd"]) {
      const recipe = load(minimal, [`adapter.method=${method}`, `train.optimizer=${optimizer}`]);
      expect(load(recipeToYaml(recipe))).toEqual(recipe);
    }
  },
);

test("a run name that is taken gets a number", () => {
  mkdirSync(join(folder, "taken/recipe-lora"), { recursive: true });
  const recipe = load(minimal, ["adapter.method=lora", "run.folder=taken"]);
  expect(recipe.run.name).toBe("recipe-lora-2");
});

test("a plain object is checked the same way", () => {
  const value = { model: { path: "model" }, adapter: { method: "lora" }, data: { train: "chats.jsonl" } };
  expect(parseRecipe(value, { cwd: folder }).adapter).toMatchObject({ rank: 8 });
  expect(() => parseRecipe({ ...value, adapters: {} }, { cwd: folder })).toThrow(
    issue({ key: "adapters", fix: expect.stringContaining("adapter?") }),
  );
});

test("every method that goes on from a folder says which of its keys the folder has itself", () => {
  const keysOf = (method: string) =>
    describeSection("adapter").flatMap(({ key, methods }) =>
      methods?.includes(method) !== false ? [key] : [],
    );
  for (const { name, folderKeys = [] } of listMethods()) {
    const keys = keysOf(name);
    expect(folderKeys.includes("targetModules"), name).toBe(keys.includes("from"));
    expect(keys, name).toEqual(expect.arrayContaining([...folderKeys]));
  }
});

test.each([
  ["adapter.method", "vera"],
  ["adapter.method", "LoHa"],
  ["model.dtype", "float16"],
  ["train.optimizer", "lion"],
  ["train.schedule", "cosine_with_restarts"],
])("%s=%s: what exists elsewhere is called unsupported, without a wrong guess", (key, value) => {
  const { issues } = problems(minimal, [`${key}=${value}`]);
  const problem = `${value} is not supported (yet)`;
  expect(issues).toEqual([expect.objectContaining({ key, problem, expected: expect.any(String) })]);
  expect(issues[0]?.fix ?? "").not.toContain("did you mean");
});

test.each([
  ["adapter.method=lra", "did you mean lora?"],
  ["train.optimizer=adam", "did you mean adamw?"],
])("%s: what is near a known value is suggested", (set, fix) => {
  expect(problems(minimal, [set]).issues).toMatchObject([{ fix }]);
});

test("an unknown method may be one whose plugin is missing", () => {
  const { issues } = problems(minimal, ["adapter.method=mine"]);
  expect(issues).toMatchObject([
    { key: "adapter.method", fix: "of a method of your own, name the module in plugins" },
  ]);
});

test("a number can be the name of a run, in YAML and on the command line", () => {
  expect(load(`${minimal}run:\n  name: 20251124\n`).run.name).toBe("20251124");
  expect(load(minimal, ["run.name=7"]).run.name).toBe("7");
  expect(problems(minimal, ["run.name=-7"]).issues).toMatchObject([{ key: "run.name", found: "-7" }]);
});

test("a broken YAML file names its line", () => {
  const whereOf = (yaml: string) => problems(yaml).issues.map(({ where }) => where);
  const path = join(folder, "recipe.yaml");
  expect(whereOf("model:\n  path: [a\n")).toEqual([`${path}:3`]);
  expect(whereOf("model:\n  path: a\nmodel:\n  path: b\n")).toEqual([`${path}:3`]);
  expect(problems("- 1\n- 2\n").issues).toMatchObject([
    { expected: expect.stringContaining("model, adapter, data, train, run") },
  ]);
});

test("a missing recipe file is one clear problem", () => {
  expect(() => loadRecipe(join(folder, "none.yaml"))).toThrow(
    issue({ found: expect.stringContaining("does not exist") }),
  );
});

test("an empty recipe names all that must be given", () => {
  expect(problems("").issues.map((issue) => issue.key)).toEqual([
    "model.path",
    "adapter.method",
    "data.train",
  ]);
});

test("a key that only other methods have is told so", () => {
  const sections = {
    model: { path: "model" },
    adapter: { method: "full", rank: 8 },
    data: { train: "rows.jsonl" },
  };
  expect(() => parseRecipe(sections, { needsData: false, name: "r", cwd: folder })).toThrow(
    issue({ key: "adapter.rank", fix: expect.stringMatching(/full.* rank/) }),
  );
});

test("what is no recipe is said once", () => {
  const { issues } = problems("- model: x\n- adapter: y\n");
  expect(issues).toEqual([
    expect.objectContaining({ key: "recipe", problem: "is no recipe", found: "a list of 2" }),
  ]);
  expect(problems("just words").issues).toMatchObject([{ key: "recipe", found: '"just words" (text)' }]);
});

test("a wrong method hides no other problem that every method would have", () => {
  const wrong = minimal.replace(
    "method: scalora-i",
    "method: scalorra\n  targetModuls: x\n  rank: -1\n  interval: 3",
  );
  const keys = ["adapter.method", "adapter.rank", "adapter.targetModuls"];
  expect(problems(wrong).issues.map(({ key }) => key)).toEqual(keys);
  const missing = minimal.replace("method: scalora-i", "rnak: 1");
  expect(problems(missing).issues.map(({ key }) => key)).toEqual(["adapter.method", "adapter.rnak"]);
});

test("a plan in place of a recipe is said to be one", () => {
  expect(() => parseRecipe({ recipes: ["a.yaml"], settings: {} }, { name: "plan.yaml" })).toThrow(
    issue({ key: "recipes", fix: "`npx scalora compare plan.yaml` runs it" }),
  );
});
