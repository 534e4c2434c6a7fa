import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseRecipe } from "../config/index.ts";
import { refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { measureBfloat16 } from "../torch/bfloat16-speed.ts";
import { chooseGemmBackend } from "../torch/gemm-choice.ts";
import { liveTensorCount } from "../torch/index.ts";
import { processor } from "../torch/processor.ts";
import { joinAsRank } from "../torch/testing/join-as-rank.ts";
import { elementAt } from "../util/elements.ts";
import { formatCount } from "../util/format.ts";
import { freePort } from "../util/free-port.ts";
import { checkMemoryFit, checkModelFit, standInMisfit } from "./memory/memory-fit.ts";
import { prepareRun } from "./prepare-run.ts";

vi.mock("../torch/bfloat16-speed.ts", { spy: true });
vi.mock("../torch/gemm-choice.ts", { spy: true });
vi.mock("../torch/processor.ts", { spy: true });

const scratch = temporaryFolder();
beforeAll(() => writeTinyProject(scratch.path));
afterAll(scratch.remove);

const recipe = (train: object, model: object = {}, rows = "train.jsonl") =>
  parseRecipe(
    {
      model: { path: "model", device: "cpu", ...model },
      adapter: { method: "lora", rank: 2 },
      data: { train: rows, eval: "none" },
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

test("rows are packed 1,024 at a time: a budget that even those do not fill is said to be more than a batch can hold", async () => {
  const rows = Array.from({ length: 1500 }, (_, i) => JSON.stringify({ text: "abc".repeat(1 + (i % 3)) }));
  writeFileSync(join(scratch.path, "many.jsonl"), rows.join("\n"));
  const many = (train: object) => recipe(train, {}, "many.jsonl");
  using prepared = await prepareRun(many({ batchTokens: 1e9 }));
  const largest = prepared.memory.tokens;
  expect(largest).toBeLessThan(prepared.dataset.report.train.tokens);
  expect(prepared.warnings).toEqual([
    `train.batchTokens 1,000,000,000 is more than a batch can hold: rows are packed 1,024 at a time, about ${formatCount(largest)} tokens`,
  ]);
  using filled = await prepareRun(many({ batchTokens: largest - 100 }));
  expect(filled.warnings).toEqual([]);
});

test.each([
  [
    "unsure",
    [expect.stringContaining("too busy to measure which GEMM backend is faster: this run uses aten")],
  ],
  ["measurement", []],
] as const)("a backend that is chosen by %s: whether a run warns of it", async (by, warnings) => {
  vi.mocked(chooseGemmBackend).mockReturnValueOnce({ chosen: "aten", by });
  using prepared = await prepareRun(recipe({}));
  expect(prepared.warnings).toEqual(warnings);
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
  expect(() => checkModelFit(half, none, {}, {})).toThrow(
    refusal("config", { where: "model.path", fix: /^use a smaller model, or a machine with \d+/ }),
  );
  const room = { ...small, bytes: 50_000 };
  expect(() => checkModelFit(half, room, {}, {})).toThrow(
    refusal("config", {
      fix: /^adapter\.method: qlora takes about [\d.]+ KiB; or/,
    }),
  );
  checkModelFit(half, none, {}, { SCALORA_MEMORY_CHECK: "off" });
  // A GPU is stood in for in the same memory, by copies of all weights.
  expect(standInMisfit(half, room, { isTrained: false })).toMatch(/cannot be counted here/);
  expect(standInMisfit(half, { ...small, bytes: 400_000 }, { isTrained: false })).toBeUndefined();
  expect(standInMisfit(half, { ...small, bytes: 200_000 }, { isTrained: true })).toMatch(/with gradients/);
});

test("of several ranks the first alone measures whether bfloat16 is slow, and warns", async () => {
  vi.mocked(processor).mockReturnValue({ name: "a CPU", hasBfloat16: true });
  vi.mocked(measureBfloat16).mockReturnValue({ low: 0.4, median: 0.5, high: 0.6 });
  const port = await freePort();
  const joining = [0, 1].map((rank) => joinAsRank({ port, rank, size: 2, timeout: 20 }));
  const groups = await Promise.all(joining);
  using first = elementAt(groups, 0);
  using second = elementAt(groups, 1);
  const warningsOf = [first, second].map(async (group) => {
    using prepared = await prepareRun(recipe({}, { dtype: "bfloat16" }), { group, recordedBackend: "aten" });
    return prepared.warnings;
  });
  expect(await Promise.all(warningsOf)).toEqual([[expect.stringContaining("is slow on this processor")], []]);
  expect(measureBfloat16).toHaveBeenCalledTimes(1);
  vi.mocked(processor).mockReset();
  vi.mocked(measureBfloat16).mockReset();
});
