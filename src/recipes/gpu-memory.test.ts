// The memory of a GPU, on the second device, whose allocator counts as a GPU's does and whose operators are those of the GPU's path.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseRecipe, type Recipe } from "../config/index.ts";
import { refusal } from "../testing/refusal.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { deviceMemory, liveTensorCount, resetDevicePeak } from "../torch/index.ts";
import { useSecondDevice } from "../torch/second-device.ts";
import { gpuLimit } from "./memory/available-memory.ts";
import { checkMemoryFit } from "./memory/memory-fit.ts";
import { type PreparedRun, prepareRun } from "./prepare-run.ts";
import { probeRun } from "./probe-run.ts";

vi.mock("./memory/available-memory.ts", { spy: true });

const second = useSecondDevice();
const scratch = temporaryFolder();
const at = (name: string) => join(scratch.path, name);
afterAll(scratch.remove);
beforeAll(() => {
  writeTinyLlama(at("model"), {
    config: { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 3, num_attention_heads: 8 },
  });
  const rows = Array.from({ length: 120 }, (_, i) =>
    JSON.stringify({ prompt: "p".repeat(30 + (i % 7)), completion: "c".repeat(90 + (i % 11)) }),
  );
  writeFileSync(at("train.jsonl"), rows.join("\n"));
});

function recipe(adapter: object, model: object = {}, train: object = {}): Recipe {
  const parsed = parseRecipe(
    {
      model: { path: "model", ...model },
      adapter,
      data: { train: "train.jsonl", eval: "none" },
      train: { steps: 8, batchSize: 6, recompute: "none", ...train },
      run: { name: "r", folder: "runs", samples: 0 },
    },
    { cwd: scratch.path },
  );
  return { ...parsed, model: { ...parsed.model, device: second } };
}

const tensors = () => deviceMemory(second)?.tensors ?? Number.NaN;
/** The most that the tensors are in three steps. */
async function peakOfSteps(prepared: PreparedRun, chosen: Recipe): Promise<number> {
  resetDevicePeak(second);
  await probeRun(prepared, chosen, { signal: new AbortController().signal });
  return deviceMemory(second)?.peak ?? Number.NaN;
}

const bfloat16 = { dtype: "bfloat16" };
const lora = { method: "lora", rank: 4 };

test.each([
  ["LoRA", lora, {}, {}],
  ["LoRA in bfloat16", lora, bfloat16, {}],
  ["LoRA in bfloat16, recomputed", lora, bfloat16, { recompute: "all" }],
  ["full fine-tuning", { method: "full" }, {}, {}],
  ["QLoRA in bfloat16", { method: "qlora", rank: 4 }, bfloat16, {}],
  ["DoRA", { method: "dora", rank: 4 }, {}, {}],
  ["ScaLoRA-I in bfloat16", { method: "scalora-i", rank: 4, interval: 1 }, bfloat16, {}],
])(
  "what a GPU is to hold is within a tenth of the most that it holds in steps: %s",
  async (_, adapter, model, train) => {
    const before = { tensors: tensors(), live: liveTensorCount() };
    {
      const chosen = recipe(adapter, model, train);
      using prepared = await prepareRun(chosen);
      const { memory } = prepared;
      // Most of it must not be what is there anyway.
      expect(memory.tokens * (memory.perToken ?? 0)).toBeGreaterThan(0.3 * memory.total);
      resetDevicePeak(second);
      await probeRun(prepared, chosen, { signal: new AbortController().signal });
      const peak = deviceMemory(second)?.peak ?? Number.NaN;
      expect(Math.abs(memory.total / peak - 1), `${memory.total} for ${peak}`).toBeLessThan(0.1);
    }
    expect({ tensors: tensors(), live: liveTensorCount() }).toEqual(before);
  },
);

test("recomputed activations take less, and recorded passes more; ranks take what they exchange gradients in", async () => {
  const totalOf = async (train: object, ranks?: number) => {
    using prepared = await prepareRun(recipe(lora, bfloat16, train), { ranks });
    return prepared.memory.total;
  };
  const plain = await totalOf({});
  expect(await totalOf({ recompute: "all" })).toBeLessThan(0.6 * plain);
  expect(await totalOf({}, 4)).toBeGreaterThan(plain);
  expect(await totalOf({ cudaGraphs: true })).toBeGreaterThan(1.3 * plain);
});

test("a run of which no passes can be recorded is refused, with the reason", async () => {
  const chosen = recipe(lora, { dtype: "float32" }, { cudaGraphs: true });
  const found = "a model in float32";
  await expect(prepareRun(chosen)).rejects.toThrow(refusal("config", { where: "train.cudaGraphs", found }));
});

test("a base that is shared out takes a GPU a slice of the weights, and what is gathered of the others", async () => {
  const layers = 6;
  writeTinyLlama(at("wide"), {
    config: { hidden_size: 128, intermediate_size: 192, num_hidden_layers: layers },
  });
  const takenBy = async (train: object, ranks?: number) => {
    const before = tensors();
    const chosen = recipe(lora, { path: "wide" }, { recompute: "all", batchSize: 4, ...train });
    using prepared = await prepareRun(chosen, { ranks });
    const held = tensors() - before;
    expect(Math.abs(prepared.memory.total / (await peakOfSteps(prepared, chosen)) - 1)).toBeLessThan(0.1);
    return held;
  };
  // Embedding and output layer of 260 rows, and the linear layers of a block.
  const [vocabulary, block] = [4 * 260 * 128, 4 * (2 * 128 * 128 + 2 * 64 * 128 + 3 * 192 * 128)];
  const [whole, shared] = [await takenBy({}), await takenBy({ shardBase: true }, 4)];
  const saved = (3 / 4) * (2 * vocabulary + layers * block) - (2 * block + vocabulary);
  expect(Math.abs((whole - shared) / saved - 1)).toBeLessThan(0.01);
});

test("a run that a GPU cannot hold is refused as on the CPU", async () => {
  using prepared = await prepareRun(recipe(lora));
  const limited = (bytes: number) => ({ ...prepared, memoryLimit: { bytes, of: "the GPU" } as const });
  expect(prepared.memoryLimit).toEqual({ bytes: Number.POSITIVE_INFINITY, of: "the GPU" });
  const { total } = prepared.memory;
  expect(checkMemoryFit(limited(2 * total), recipe(lora), {})).toBeUndefined();
  expect(checkMemoryFit(limited(total), recipe(lora), {})).toMatch(/^memory is tight/);
  expect(() => checkMemoryFit(limited(total / 2), recipe(lora), {})).toThrow(
    refusal("config", { expected: /all that this process may take of the GPU$/ }),
  );
});

test("train.recompute: auto recomputes where a GPU cannot hold the run otherwise, whose steps then stay within its memory", async () => {
  const needOf = async (setting: string) => {
    using prepared = await prepareRun(recipe(lora, bfloat16, { recompute: setting }));
    return prepared.memory.total;
  };
  const [plain, recomputed] = [await needOf("none"), await needOf("all")];
  const limit = 1.2 * recomputed;
  expect(limit).toBeLessThan(0.8 * plain);
  const chosen = recipe(lora, bfloat16, { recompute: "auto" });
  /** What `auto` decides where a GPU has so much memory. */
  const chosenWithin = async (bytes: number) => {
    vi.mocked(gpuLimit).mockReturnValue({ bytes, of: "the GPU" });
    using prepared = await prepareRun(chosen);
    const { recompute, memory, warnings } = prepared;
    const refused = refusalOf(() => checkMemoryFit(prepared, chosen, {}));
    return { recompute, total: memory.total, warnings, refused, peak: await peakOfSteps(prepared, chosen) };
  };
  try {
    const scarce = await chosenWithin(limit);
    expect(scarce).toMatchObject({ recompute: true, refused: undefined });
    expect(scarce.warnings).toEqual([
      expect.stringMatching(/train\.recompute: auto.*gradients stay the same$/),
    ]);
    expect(Math.abs(scarce.total / recomputed - 1)).toBeLessThan(0.01);
    expect(scarce.peak).toBeLessThan(limit);
    const ample = await chosenWithin(2 * plain);
    expect(ample).toMatchObject({ recompute: false, refused: undefined, warnings: [] });
    expect(ample.peak).toBeGreaterThan(limit);
    const least = await chosenWithin(recomputed / 2);
    expect(least.refused).toEqual(refusal("config", { expected: /of the GPU$/ }));
  } finally {
    vi.mocked(gpuLimit).mockReset();
  }
});

function refusalOf(check: () => unknown): unknown {
  try {
    check();
    return undefined;
  } catch (error) {
    return error;
  }
}
