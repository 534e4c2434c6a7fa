import { afterAll, beforeAll, expect, test } from "vitest";
import { parseRecipe } from "../config/index.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { checkMemoryFit, checkModelFit } from "./memory-fit.ts";
import { prepareRun } from "./prepare-run.ts";

const scratch = temporaryFolder();
beforeAll(() => writeTinyProject(scratch.path));
afterAll(scratch.remove);

const recipe = (train: object, model: object = {}) =>
  parseRecipe(
    {
      model: { path: "model", device: "cpu", ...model },
      adapter: { method: "lora", rank: 2 },
      data: { train: "train.jsonl", eval: "none" },
      train: { steps: 2, ...train },
      run: { name: "r", folder: "runs" },
    },
    { cwd: scratch.path },
  );
const small = { bytes: 2 ** 20, of: "the machine" } as const;

test("a budget of a thousand million tokens is said to be more than the data, and what it takes is that of the data", async () => {
  const before = liveTensorCount();
  {
    using prepared = await prepareRun(recipe({ batchTokens: 1e9 }));
    const { tokens } = prepared.dataset.report.train;
    expect(prepared.memory.tokens).toBe(tokens);
    expect(prepared.warnings).toEqual([
      `train.batchTokens 1,000,000,000 is more than the data: every batch holds all ${tokens} tokens`,
    ]);
    expect(checkMemoryFit(prepared, recipe({}))).toBeUndefined();
  }
  expect(liveTensorCount()).toBe(before);
});

test("a preset rate at another scale than the published one is said to be so", async () => {
  const { adapter, ...rest } = recipe({});
  using prepared = await prepareRun({ ...rest, adapter: { ...adapter, alpha: 2 } });
  expect(prepared.warnings).toEqual([
    expect.stringMatching(/^train\.lr 2e-4 is the preset of lora, .*0\.5 times/),
  ]);
});

test("a run and a model that cannot fit are refused, unless the check is off", async () => {
  using prepared = await prepareRun(recipe({ batchSize: 4 }));
  const scarce = { ...prepared, memoryLimit: small };
  expect(() => checkMemoryFit(scarce, recipe({}), {})).toThrow(
    refusal("config", { where: "train.batchSize" }),
  );
  expect(checkMemoryFit(scarce, recipe({}), { SCALORA_MEMORY_CHECK: "off" })).toBeUndefined();
  const tight = { ...prepared, memoryLimit: { ...small, bytes: prepared.memory.total } };
  expect(checkMemoryFit(tight, recipe({}), {})).toMatch(/^memory is tight: about/);
  const none = { ...small, bytes: 1000 };
  const half = recipe({}, { dtype: "bfloat16" }).model;
  expect(() => checkModelFit(half, none, {})).toThrow(
    refusal("config", { where: "model.path", fix: /^use a smaller model, or a machine with \d+/ }),
  );
  const room = { ...small, bytes: 50_000 };
  expect(() => checkModelFit(half, room, {})).toThrow(
    refusal("config", {
      fix: /^adapter\.method: qlora takes about [\d.]+ KiB; or/,
    }),
  );
  checkModelFit(half, none, { SCALORA_MEMORY_CHECK: "off" });
});
