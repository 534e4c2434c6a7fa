import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { listMethods } from "../adapters/registry.ts";
import { ConfigError, describeSection, loadRecipe, parseRecipe, recipeToYaml } from "./index.ts";
import { minimal, recipeFolder } from "./testing/recipe-folder.ts";

const { path: folder, load, remove } = recipeFolder();
afterAll(remove);

function problems(yaml: string, set: string[] = []): ConfigError {
  try {
    load(yaml, set);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the recipe was accepted");
}

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

/** Bad input: what is put in, the key it is about, and what the message must say. */
const badInput: { name: string; set: string[]; key: string; says: string[] }[] = [
  {
    name: "unknown key",
    set: ["train.learningRat=1e-3"],
    key: "train.learningRat",
    says: ["unknown key", "--set train.learningRat=1e-3"],
  },
  {
    name: "one label, which would be a regression",
    set: ["model.labels=[praise]"],
    key: "model.labels",
    says: ["1 for a regression", "two names or more"],
  },
  { name: "unknown key, near", set: ["adapter.rnak=4"], key: "adapter.rnak", says: ["did you mean rank?"] },
  { name: "key of another tool", set: ["adapter.r=4"], key: "adapter.r", says: ["did you mean rank?"] },
  {
    name: "unknown section",
    set: ["trian.lr=1"],
    key: "trian",
    says: ["did you mean train?", "--set trian.lr=1"],
  },
  {
    name: "unknown key in a list",
    set: ["data.train=[{path: chats.jsonl, wieght: 2}]"],
    key: "data.train[0].wieght",
    says: ["did you mean weight?"],
  },
  {
    name: "text for a number",
    set: ["train.lr=fast"],
    key: "train.lr",
    says: ["expected: a number, above 0", 'found:    "fast" (text)'],
  },
  {
    name: "fraction for an integer",
    set: ["adapter.rank=2.5"],
    key: "adapter.rank",
    says: ["an integer", "2.5"],
  },
  { name: "rank 0", set: ["adapter.rank=0"], key: "adapter.rank", says: ["at least 1", "found:    0"] },
  { name: "infinite rate", set: ["train.lr=.inf"], key: "train.lr", says: ["a number, above 0"] },
  { name: "NaN", set: ["train.clip=.nan"], key: "train.clip", says: ["a number, at least 0"] },
  { name: "seed beyond 2^53", set: ["train.seed=9007199254740993"], key: "train.seed", says: ["an integer"] },
  { name: "null", set: ["train.lr="], key: "train.lr", says: ["nothing (null)"] },
  {
    name: "unknown method",
    set: ["adapter.method=scalora_i"],
    key: "adapter.method",
    says: ["lora, lora+, lora-ga, ", "flora or full", "did you mean scalora-i?"],
  },
  {
    name: "misspelled choice",
    set: ["train.schedule=cosin"],
    key: "train.schedule",
    says: ["constant, linear, cosine or polynomial", "did you mean cosine?"],
  },
  {
    name: "adapter dropout",
    set: ["adapter.dropout=0.05"],
    key: "adapter.dropout",
    says: ["refused", "invariance", "expected: 0", "found:    0.05"],
  },
  {
    name: "rounding base",
    set: ["adapter.base=bfloat16"],
    key: "adapter.base",
    says: ["refused", "half a bfloat16 ulp", "auto, exact, split or factored"],
  },
  {
    name: "rank of a base without factors",
    set: ["adapter.baseRank=64"],
    key: "adapter.baseRank",
    says: ["no effect without base: factored"],
  },
  {
    name: "factored base of less than one merge",
    set: ["adapter.base=factored", "adapter.baseRank=3", "adapter.rank=4"],
    key: "adapter.baseRank",
    says: ["less than the rank of one merge", "at least adapter.rank, 4"],
  },
  {
    name: "merges into a quantised base",
    set: ["model.quantization=nf4"],
    key: "model.quantization",
    says: ["does not go with adapter.method: scalora", "use adapter.base: factored"],
  },
  {
    name: "oracle over a factored base",
    set: ["adapter.policy=svd", "adapter.base=factored"],
    key: "adapter.base",
    says: ["full weights", "auto or exact"],
  },
  {
    name: "weight decay with ScaLoRA",
    set: ["train.weightDecay=0.01"],
    key: "train.weightDecay",
    says: ["refused with ScaLoRA", "expected: 0"],
  },
  {
    name: "option of another method",
    set: ["adapter.method=lora", "adapter.interval=5"],
    key: "adapter.interval",
    says: ["unknown key"],
  },
  {
    name: "wrong scale",
    set: ["adapter.scale={columNorm: 1}"],
    key: "adapter.scale",
    says: ["{columnNorm: ρ}", '{"columNorm":1}'],
  },
  {
    name: "negative scale",
    set: ["adapter.scale={lipschitz: -1}"],
    key: "adapter.scale.lipschitz",
    says: ["above 0"],
  },
  {
    name: "a model's name, misspelt",
    set: ["model.path=smollm2-135m-instuct"],
    key: "model.path",
    says: ["the name of a fetched model", "npx scalora get smollm2-135m-instruct"],
  },
  {
    name: "a horizon with adaptive events",
    set: ["adapter.scale={horizon: 50}", "adapter.interval=adaptive"],
    key: "adapter.scale",
    says: ["forgets at every event", "a number as interval"],
  },
  { name: "interval 0", set: ["adapter.interval=0"], key: "adapter.interval", says: ["or adaptive"] },
  {
    name: "first event at step 1",
    set: ["adapter.firstEvent=1"],
    key: "adapter.firstEvent",
    says: ["at least 2"],
  },
  {
    name: "moments kept over new factors",
    set: ["adapter.policy=svd", "adapter.moments=keep"],
    key: "adapter.moments",
    says: ["reset or transport"],
  },
  {
    name: "transport without svd",
    set: ["adapter.moments=transport"],
    key: "adapter.moments",
    says: ["policy svd"],
  },
  {
    name: "broken regular expression",
    set: ["adapter.targetModules=['/layers.(/']"],
    key: "adapter.targetModules[0]",
    says: ["regular expression between slashes", "/layers.(/"],
  },
  {
    name: "no target modules",
    set: ["adapter.targetModules=[]"],
    key: "adapter.targetModules",
    says: ["all-linear"],
  },
  {
    name: "rank pattern with a fraction",
    set: ["adapter.rankPattern={q_proj: 1.5}"],
    key: "adapter.rankPattern.q_proj",
    says: ["an integer, at least 1", "1.5"],
  },
  {
    name: "steps and epochs",
    set: ["train.steps=5", "train.epochs=1"],
    key: "train.epochs",
    says: ["excludes"],
  },
  {
    name: "two batch sizes",
    set: ["train.batchSize=5", "train.batchTokens=100"],
    key: "train.batchTokens",
    says: ["excludes train.batchSize"],
  },
  { name: "momentum of adamw", set: ["train.momentum=0.9"], key: "train.momentum", says: ["no effect"] },
  {
    name: "betas of sgd",
    set: ["train.optimizer=sgd", "train.betas=[0.8, 0.9]"],
    key: "train.betas",
    says: ["no effect"],
  },
  { name: "one beta", set: ["train.betas=[0.9]"], key: "train.betas", says: ["two numbers"] },
  { name: "warm-up of 1.5 steps", set: ["train.warmup=1.5"], key: "train.warmup", says: ["below 1", "1.5"] },
  {
    name: "patience without evaluation",
    set: ["data.eval=none", "train.patience=3"],
    key: "train.patience",
    says: ["needs an evaluation set"],
  },
  {
    name: "nothing held out",
    set: ["data.eval={holdOut: 0}"],
    key: "data.eval.holdOut",
    says: ["a share of the rows below 1"],
  },
  { name: "no training data", set: ["data.train=[]"], key: "data.train", says: ["a path, {path, weight}"] },
  {
    name: "missing data file",
    set: ["data.train=chat.jsonl"],
    key: "data.train",
    says: ["does not exist", "did you mean chats.jsonl?"],
  },
  {
    name: "folder for a data file",
    set: ["data.eval=model"],
    key: "data.eval",
    says: ["wrong kind", "a file"],
  },
  {
    name: "missing model folder",
    set: ["model.path=modle"],
    key: "model.path",
    says: ["did you mean model?"],
  },
  {
    name: "missing adapter folder",
    set: ["adapter.from=old"],
    key: "adapter.from",
    says: ["does not exist"],
  },
  {
    name: "rank beside an adapter folder",
    set: ["adapter.from=model", "adapter.rank=4"],
    key: "adapter.rank",
    says: ["no effect with adapter.from"],
  },
  {
    name: "frequencies beside an adapter folder",
    set: ["adapter={method: fourierft, from: model, frequencies: 4}"],
    key: "adapter.frequencies",
    says: ["no effect with adapter.from"],
  },
  {
    name: "a warm-up as long as the stretch that it begins",
    set: ["adapter={method: relora, interval: 20, restartWarmup: 20}"],
    key: "adapter.restartWarmup",
    says: ["less than adapter.interval, 20"],
  },
  {
    name: "unknown device",
    set: ["model.device=gpu"],
    key: "model.device",
    says: ["auto, cpu, mps, cuda or cuda:N"],
  },
  {
    name: "run name that leaves its folder",
    set: ["run.name=../x"],
    key: "run.name",
    says: ["letters, digits"],
  },
  { name: "override without a value", set: ["train.lr"], key: "--set", says: ["section.key=value"] },
  { name: "override of no YAML", set: ["train.lr=[1"], key: "train.lr", says: ["no YAML"] },
  { name: "override into a value", set: ["model.path.x=1"], key: "model.path", says: ["cannot be set into"] },
  { name: "override of a prototype", set: ["__proto__.x=1"], key: "__proto__", says: ["unknown key"] },
];

test.each(badInput)("refused: $name", ({ set, key, says }) => {
  const error = problems(minimal, set);
  expect(error.exitCode).toBe(2);
  expect(error.issues.map((issue) => issue.key)).toContain(key);
  for (const words of says) expect(error.message).toContain(words);
  expect(error.issues).toHaveLength(1);
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
  ["adapter.method=vera", "vera is not supported (yet)"],
  ["adapter.method=LoHa", "LoHa is not supported (yet)"],
  ["model.dtype=float16", "float16 is not supported (yet)"],
  ["train.optimizer=lion", "lion is not supported (yet)"],
  ["train.schedule=cosine_with_restarts", "cosine_with_restarts is not supported (yet)"],
])("%s: what exists elsewhere is called unsupported, without a wrong guess", (set, says) => {
  const { message } = problems(minimal, [set]);
  expect(message).toContain(says);
  expect(message).toContain("expected:");
  expect(message).not.toContain("did you mean");
});

test.each([
  ["adapter.method=lra", "did you mean lora?"],
  ["train.optimizer=adam", "did you mean adamw?"],
])("%s: what is near a known value is suggested", (set, says) => {
  expect(problems(minimal, [set]).message).toContain(says);
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
  expect(problems(minimal, ["run.name=-7"]).message).toContain("letters, digits");
});

test("a broken YAML file names its line", () => {
  expect(problems("model:\n  path: [a\n").message).toMatch(/recipe\.yaml:\d/);
  const twice = problems("model:\n  path: a\nmodel:\n  path: b\n");
  expect(twice.message).toMatch(/recipe\.yaml:3/);
  expect(problems("- 1\n- 2\n").message).toContain("sections model, adapter, data, train, run");
});

test("a missing recipe file is one clear problem", () => {
  expect(() => loadRecipe(join(folder, "none.yaml"))).toThrow(
    issue({ found: expect.stringContaining("ENOENT") }),
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
  expect(problems("just words").message).toContain('"just words" (text)');
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
