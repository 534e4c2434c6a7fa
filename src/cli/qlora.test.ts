import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { runChild } from "../testing/child-process.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { setThreads } from "../torch/index.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => {
  setThreads(1);
  writeTinyProject(scratch.path);
});

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runScalora(...args, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** Writes a recipe of a short run. */
function recipe(name: string, { adapter, model }: { adapter?: object; model?: object } = {}): string {
  const sections = {
    model: { path: at("model"), device: "cpu", ...model },
    adapter: adapter ?? { method: "qlora", rank: 2 },
    data: { train: at("train.jsonl"), eval: { holdOut: 8 } },
    train: { steps: 24, batchSize: 4, lr: 1e-2, evalEvery: 24, saveEvery: 2, keepLast: 24, accumulate: 2 },
    run: { name, folder: at("runs") },
  };
  writeFileSync(at(`${name}.yaml`), stringify(sections));
  return at(`${name}.yaml`);
}

/** What the last checkpoint holds, but for times. */
function finalOf(name: string) {
  const path = at("runs", name, "checkpoints", "step-000024", "manifest.json");
  const { files } = JSON.parse(readFileSync(path, "utf8"));
  return { ...files, "state.json": undefined };
}

test("killed and resumed, a run on a base in 4 bits ends bit for bit as one that was not, and says what it is", async () => {
  const shown = await runScalora("train", recipe("whole"));
  expect(shown.code, shown.stderr).toBe(0);
  expect(shown.stderr).toMatch(/precision +float32 .*\n.* base weights +nf4 /);
  const child = new URL("testing/killed-at-rename.ts", import.meta.url);
  const { signal, stderr } = await runChild(child, "step-000006", "train", recipe("killed"));
  expect({ signal, stderr }).toMatchObject({ signal: "SIGKILL" });
  expect(existsSync(at("runs", "killed", "checkpoints", "step-000024"))).toBe(false);
  await json("train", "--resume", at("runs", "killed"));
  expect(finalOf("killed")).toEqual(finalOf("whole"));

  const config = readFileSync(at("runs", "whole", "config.yaml"), "utf8");
  expect(config).toContain("quantization: nf4");
  const merged = await runScalora("export", at("runs", "whole"), "--out", at("merged"), "--dtype", "float32");
  expect(merged.stdout).toContain("merged into  the dequantised NF4 weights that the run trained on");
  const { loss } = await json("eval", at("runs", "whole"), "--data", at("test.jsonl"));
  expect((await json("eval", at("merged"), "--data", at("test.jsonl"))).loss).toBeCloseTo(loss, 5);
  const adapter = await runScalora("export", at("runs", "whole"), "--out", at("adapter"), "--as", "adapter");
  expect(adapter.stdout).toMatch(/made for +the dequantised NF4 weights/);
  const peft = JSON.parse(readFileSync(at("adapter", "adapter_config.json"), "utf8"));
  expect(peft).toMatchObject({ peft_type: "LORA", r: 2, base_model_name_or_path: at("model") });
  await json("export", at("runs", "whole"), "--out", at("svd"), "--as", "svd", "--rank", "2");
  for (const folder of ["adapter", "svd"]) {
    const args = [at("model"), "--quantization", "nf4", "--adapter", at(folder), "--data", at("test.jsonl")];
    expect((await json("eval", ...args)).loss).toBeCloseTo(loss, 5);
  }
}, 300_000);

test("a text is generated as by the merged model, and a run keeps its own quantisation", async () => {
  const generated = async (path: string) =>
    (await json("generate", path, "q", "--max-tokens", "8", "--temperature", "1.5", "--seed", "3")).text;
  const text = await generated(at("runs", "whole"));
  expect(text).not.toBe("");
  expect(text).toBe(await generated(at("merged")));
  const refused = await runScalora("eval", at("runs", "whole"), "--quantization", "none");
  expect(printedFailure(refused)).toMatchObject({
    code: 2,
    where: at("runs", "whole"),
    found: "another one, none",
  });
});

test.each([
  ["scalora", "it changes the base weights as it trains"],
  ["scalora-i", "it changes the base weights as it trains"],
  ["relora", "it changes the base weights as it trains"],
  ["flora", "it changes the base weights as it trains"],
  ["full", "it changes the base weights as it trains"],
  ["lora-ga", "its start needs the gradient of the base weight"],
  ["pissa", "its start is of use there only where W is quantised without its leading directions"],
])(
  "%s on NF4 is refused before anything is loaded, with the reason and what works",
  async (method, reason) => {
    const path = recipe(`refused-${method}`, { adapter: { method }, model: { quantization: "nf4" } });
    expect(printedFailure(await runScalora("train", path))).toMatchObject({
      code: 2,
      message: expect.stringContaining(
        `model.quantization: does not go with adapter.method: ${method}: ${reason}`,
      ),
      where: `${path}:4`,
      expected: expect.stringContaining("(lora, qlora, lora+, dora, hira, fourierft, mora)"),
      found: "nf4",
    });
    expect(existsSync(at("runs", `refused-${method}`))).toBe(false);
  },
);

test("qlora on a base that is not to be quantised is refused, and dora on one that is trains", async () => {
  const plain = await runScalora("train", recipe("plain", { model: { quantization: "none" } }));
  expect(printedFailure(plain)).toMatchObject({
    code: 2,
    message: expect.stringContaining("model.quantization"),
    expected: "nf4, or nothing",
    found: "none",
  });
  const dora = { adapter: { method: "dora", rank: 2 }, model: { quantization: "nf4", dtype: "bfloat16" } };
  const { step } = await json("train", recipe("dora", dora));
  expect(step).toBe(24);
});

test("a part in 4 bits cannot be trained whole", async () => {
  const adapter = { method: "qlora", rank: 2, targetModules: ["q_proj"], modulesToSave: ["down_proj"] };
  expect(printedFailure(await runScalora("train", recipe("whole-part", { adapter })))).toMatchObject({
    code: 2,
    where: "adapter.modulesToSave",
    found: expect.stringContaining("model.layers.0.mlp.down_proj.weight is quantised"),
  });
});
