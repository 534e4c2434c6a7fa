// A GPU that is not here, and a machine without the memory to stand for it.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { parseRecipe } from "../config/index.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { cudaDevices } from "../torch/system.ts";
import { checkRecipe } from "./check-recipe.ts";
import { memoryLimit } from "./memory/available-memory.ts";

vi.mock("../torch/system.ts", { spy: true });
vi.mock("./memory/available-memory.ts", { spy: true });

const scratch = temporaryFolder();
beforeAll(() => writeTinyProject(scratch.path));
afterAll(scratch.remove);
beforeEach(() => {
  vi.mocked(cudaDevices).mockReturnValue(0);
  vi.mocked(memoryLimit).mockReset();
});

const recipe = (adapter: object) =>
  parseRecipe(
    {
      model: { path: "model", device: "cuda", dtype: "policy" in adapter ? "float32" : "bfloat16" },
      adapter,
      data: { train: "train.jsonl", eval: { holdOut: 2 } },
      train: { epochs: 3 },
      run: { name: "r", folder: "runs" },
    },
    { cwd: scratch.path },
  );
const check = (adapter: object) => checkRecipe(recipe(adapter), { signal: new AbortController().signal });
const scarce = () => vi.mocked(memoryLimit).mockReturnValue({ bytes: 5000, of: "the machine" });

test.each([
  { method: "lora" },
  { method: "qlora" },
  { method: "scalora-i" },
  { method: "scalora", policy: "svd" },
  { method: "relora" },
  { method: "flora" },
  { method: "full" },
])(
  "what is known of a run with %j without its weights is told where there is no memory for them",
  async (method) => {
    const before = liveTensorCount();
    const { run: whole } = await check(method);
    expect(whole?.memory?.gpu).toMatchObject({ isStandIn: true });
    expect(whole?.memory?.unknown).toEqual([]);
    scarce();
    const { ok, errors, warnings, run } = await check(method);
    expect({ ok, errors }).toEqual({ ok: false, errors: [expect.stringContaining("No CUDA device")] });
    expect(warnings).toEqual([expect.stringContaining("cannot be counted here")]);
    expect(run).toEqual({ ...whole, memory: null, disk: null });
    expect(run?.data.rows).toBeGreaterThan(0);
    expect(liveTensorCount()).toBe(before);
  },
);

test("how many numbers are trained is unknown where a method looks at the weights first", async () => {
  const { run: whole } = await check({ method: "pissa" });
  scarce();
  const { run } = await check({ method: "pissa" });
  expect(run?.parameters).toEqual({ trainable: null, all: expect.any(Number) });
  expect(run?.steps).toBe(whole?.steps);
});

test("a layer that the model does not have is found without its weights", async () => {
  scarce();
  const { errors, run } = await check({ method: "lora", targetModules: ["nowhere"] });
  expect(errors).toContainEqual(expect.stringContaining("nowhere"));
  expect(run).toBeNull();
});
