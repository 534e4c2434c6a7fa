import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { readPlan } from "./read-plan.ts";
import { runPlan } from "./run-plan.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const at = (...parts: string[]) => join(scratch.path, ...parts);

const recipe = {
  model: { path: at("model") },
  adapter: { method: "scalora", policy: "paper", scale: { lipschitz: 3000 } },
  data: { train: at("train.jsonl"), eval: { holdOut: 1 } },
  train: { steps: 4, lr: 0.003 },
};

beforeEach(() => {
  mkdirSync(at("model"), { recursive: true });
  mkdirSync(at("tasks", "boolq"), { recursive: true });
  writeFileSync(at("train.jsonl"), '{"text": "a"}\n{"text": "b"}\n');
  const row = { question: "is it", passage: "it is", answer: true };
  writeFileSync(at("tasks", "boolq", "test.jsonl"), JSON.stringify(row));
  writeFileSync(at("recipe.yaml"), stringify(recipe));
});

const sound = { recipes: ["recipe.yaml"], settings: { LoRA: { method: "lora" } } };

/** The problems that a plan is refused with, before any run. */
async function problemsOf(plan: object, options: object = {}): Promise<unknown> {
  writeFileSync(at("plan.yaml"), stringify(plan));
  const command = [process.execPath, "-e", "process.exit(3)"];
  const request = { name: "p", plan: readPlan(at("plan.yaml")), set: [], out: at("out"), jobs: 1, command };
  const hooks = { signal: new AbortController().signal, onProgress() {} };
  const error: unknown = await runPlan({ ...request, ...options }, hooks).catch((thrown: unknown) => thrown);
  expect(existsSync(at("out"))).toBe(false);
  return error;
}

const refusedAt = (...issues: object[]) => ({
  code: "config",
  issues: issues.map((issue) => expect.objectContaining(issue)),
});

test("all that is wrong with a plan is said at once, by its keys and lines", async () => {
  const error = await problemsOf({
    recipes: ["recipe.yaml", "none.yaml"],
    settings: {
      one: { method: "scalor" },
      two: { method: "scalora", adapter: { scale: { lipschitz: [] } } },
      three: { method: "lora", adapter: { rnk: 4 }, lr: 0 },
      four: { method: "scalora", adapter: { scale: { lipschitz: [300, -1] } } },
    },
    seeds: [-1],
    set: ["train.lr=1", "train.stps=4"],
    tasks: { names: ["bolq", "boolq", "piqa"], data: at("tasks") },
    epochs: 3,
  });
  const where = expect.stringMatching(/plan\.yaml:\d+$/);
  expect(error).toMatchObject(
    refusedAt(
      { where, key: "settings.three.lr", expected: expect.stringContaining("learning rate") },
      { where, key: "seeds[0]" },
      { where, key: "epochs", problem: "unknown key" },
      { where, key: "set[0]", found: "train.lr=1", fix: "name the rates in settings.NAME.lr" },
      { where, key: "recipes[1]", problem: expect.stringContaining("none.yaml cannot be read") },
      { where, key: "settings.one.method", fix: "did you mean scalora?" },
      { where, key: "settings.two.adapter", found: "[]" },
      { where, key: "set[1]", problem: "train.stps: unknown key", fix: "did you mean steps?" },
      { where, key: "settings.three.adapter.rnk", fix: "did you mean rank?" },
      { where, key: "settings.four.adapter.scale.lipschitz", expected: "a number above 0", found: "-1" },
      { where, key: "tasks.names[0]", fix: 'did you mean "boolq"?' },
      { where, key: "tasks.data", problem: expect.stringContaining("piqa") },
    ),
  );
});

test("what is wrong with a recipe is said once, by the recipe's line, whatever the settings", async () => {
  writeFileSync(at("recipe.yaml"), stringify({ ...recipe, adapter: { ...recipe.adapter, rank: 0 } }));
  const settings = { a: { method: "lora" }, b: { method: "dora" } };
  expect(await problemsOf({ ...sound, settings })).toMatchObject(
    refusedAt({ key: "adapter.rank", where: expect.stringMatching(/recipe\.yaml:\d+$/) }),
  );
});

test("what is wrong under a key with dots is said once, by its own line", async () => {
  const adapter = { method: "lora", rankPattern: { "q.proj": 0 } };
  writeFileSync(at("recipe.yaml"), stringify({ ...recipe, adapter }));
  const line =
    stringify({ ...recipe, adapter })
      .split("\n")
      .findIndex((text) => text.includes("q.proj")) + 1;
  expect(await problemsOf(sound)).toMatchObject(
    refusedAt({ key: "adapter.rankPattern.q.proj", where: `${at("recipe.yaml")}:${line}` }),
  );
});

test("a key that no method has is said once, whatever each of the methods expects", async () => {
  expect(await problemsOf({ ...sound, set: ["adapter.foo=1"] })).toMatchObject(
    refusedAt({ key: "set[0]", problem: "adapter.foo: unknown key" }),
  );
});

test("each wrong value of a sweep is said", async () => {
  const settings = { ScaLoRA: { method: "scalora", adapter: { scale: { lipschitz: [-1, -2] } } } };
  const key = "settings.ScaLoRA.adapter.scale.lipschitz";
  expect(await problemsOf({ ...sound, settings })).toMatchObject(
    refusedAt({ key, found: "-2" }, { key, found: "-1" }),
  );
});

test.each([
  [
    { ...sound, settings: { LoRA: { method: "lora", lr: [0.1, 0.2] } }, seeds: [-1], tuningSeeds: [0] },
    "seeds[0]",
  ],
  [
    { ...sound, settings: { LoRA: { method: "lora", lr: [0.1, 0] } }, tuningSeeds: [7] },
    "settings.LoRA.lr[1]",
  ],
  [{ ...sound, settings: { LoRA: { method: "lora", lr: [0.1, 0.2] } }, tuningSeeds: [-7] }, "tuningSeeds[0]"],
])(
  "seeds are checked against others and the settings only where all of them are sound: %j",
  async (plan, key) => {
    expect(await problemsOf(plan)).toMatchObject(refusedAt({ key }));
  },
);

test("a recipe without held-out rows is named by its place in the plan", async () => {
  expect(await problemsOf({ ...sound, set: ["data.eval=none"] })).toMatchObject(
    refusedAt({ key: "recipes[0]", problem: "A comparison needs held-out rows" }),
  );
});

const swept = { LoRA: { method: "lora", lr: [0.1, 0.2] } };

test.each([
  [{ ...sound, tuningSeeds: [7] }, {}, { key: "tuningSeeds", where: /plan\.yaml:\d+$/, fix: /^remove it/ }],
  [
    { ...sound, settings: swept, seeds: [0, 1], tuningSeeds: [1] },
    {},
    { key: "tuningSeeds", where: /plan\.yaml:\d+$/, fix: /choose others for tuningSeeds$/ },
  ],
  [
    { ...sound, settings: swept },
    { seeds: [5], tuningSeeds: [5] },
    { key: "tuningSeeds", where: /^--tuning-seeds$/, fix: /choose others for --tuning-seeds$/ },
  ],
  [
    { ...sound, settings: { "LoRA, r": { method: "lora" }, "lora (r": { method: "lora" } } },
    {},
    { key: "settings.lora (r", where: /plan\.yaml:\d+$/, fix: /another name/ },
  ],
  [sound, { set: ["train.seed=3"] }, { key: "--set", where: /^--set train\.seed=3$/, fix: /in seeds$/ }],
])("refused before any run: %j with %j", async (plan, options, { key, where, fix }) => {
  expect(await problemsOf(plan, options)).toMatchObject(
    refusedAt({ key, where: expect.stringMatching(where), fix: expect.stringMatching(fix) }),
  );
});
