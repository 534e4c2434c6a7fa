import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { runChild, runCommand } from "../../src/testing/child-process.ts";
import { tolerances } from "../../src/testing/tolerances.ts";
import "../../src/testing/close-to.ts";
import { temporaryFolder } from "../../src/testing/tiny-run.ts";
import { operationsPerToken } from "./shapes.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const tiny = ["--device", "cpu", "--tiny"];

/** What a program of the bench prints last. */
async function resultOf(program: string, ...args: string[]) {
  const { stdout, stderr, code } = await runChild(new URL(program, import.meta.url), ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

test.each(["lora", "scalora-i", "qlora"])("a dry run times %s", async (method) => {
  const { tokensPerSecond, seconds, loss } = await resultOf("time-step.ts", method, ...tiny);
  expect([seconds.length, loss > 5, tokensPerSecond > 0]).toEqual([2, true, true]);
});

test("a dry run times a small model with recorded passes", async () => {
  const { graphs, loss } = await resultOf("time-step.ts", "lora", "--small", "--graphs", ...tiny);
  expect(graphs).toEqual({ passes: 4, recordings: 1, replays: 3 });
  const plain = await resultOf("time-step.ts", "lora", "--small", ...tiny);
  expect([loss]).toBeCloseToAll([plain.loss], tolerances.bfloat16Logits);
});

test("a dry run measures the peak of matrix products", async () => {
  expect((await resultOf("time-peak.ts", ...tiny)).operationsPerSecond).toBeGreaterThan(0);
});

test("LLaMA-3-8B has four operations for each of its weights, and those of attention", () => {
  const weights = 8_030_261_248 - 128_256 * 4096 - 65 * 4096; // without the embedding and the norms
  expect(operationsPerToken(false)).toBe(4 * weights + 6 * 32 * 4096 * 4096);
});

test("a part that fails leaves the results of the others", async () => {
  mkdirSync(join(scratch.path, "parts"));
  const write = (name: string, text: string) => writeFileSync(join(scratch.path, "parts", name), text);
  for (const [part, output, status] of [
    ["peak", '{"operationsPerSecond": 1e15}', 0],
    ["lora", 'a warning\n{"tokensPerSecond": 10000}', 0],
    ["qlora", "an error", 124],
  ] as const) {
    write(`${part}.out`, output);
    write(`${part}.status`, `${status}\n`);
  }
  const { stdout } = await runChild(new URL("summary.ts", import.meta.url), scratch.path);
  expect(stdout).toMatch(/lora +ok 10000 tokens\/s, 33\.\d % of the peak/);
  expect(stdout).toMatch(/qlora +failed \(124\)/);
  const { results } = JSON.parse(readFileSync(join(scratch.path, "results.json"), "utf8"));
  expect(results.qlora).toEqual({ status: 124 });
});

/** What peer.py reports of QLoRA where these modules stand for torch and bitsandbytes. */
async function peerOf(bitsandbytes: string) {
  const modules = {
    "torch/__init__.py": "from . import nn\ndef ones(*shape, device): return shape",
    "torch/nn/__init__.py": "from . import functional\nclass Module: pass",
    "torch/nn/functional.py": "",
    "bitsandbytes.py": bitsandbytes,
  };
  mkdirSync(join(scratch.path, "modules/torch/nn"), { recursive: true });
  for (const [path, text] of Object.entries(modules))
    writeFileSync(join(scratch.path, "modules", path), text);
  const shape = join(scratch.path, "shape.json");
  writeFileSync(shape, (await runChild(new URL("print-shape.ts", import.meta.url), "--tiny")).stdout);
  const program = fileURLToPath(new URL("peer.py", import.meta.url));
  const env = { PYTHONPATH: join(scratch.path, "modules"), PYTHONDONTWRITEBYTECODE: "1" };
  const result = await runCommand(["python3", program, "qlora", shape, "--device", "cuda:0"], { env });
  expect(result).toMatchObject({ code: 0 });
  return JSON.parse(result.stdout);
}

const hasPython = spawnSync("python3", ["--version"]).status === 0;

test.skipIf(!hasPython).each([
  ["when it is imported", "raise RuntimeError('CUDA setup failed\\nlook here')", "CUDA setup failed"],
  [
    "at the first weight",
    "class functional:\n  def quantize_4bit(x, quant_type): raise RuntimeError('no libbitsandbytes_cuda')",
    "no libbitsandbytes_cuda",
  ],
])(
  "bitsandbytes without its library of CUDA, which fails %s, leaves QLoRA of PEFT out, and says why (python3)",
  async (_, module, reason) => {
    const note = `left out: bitsandbytes cannot quantise on cuda:0: ${reason}`;
    expect(await peerOf(module)).toEqual({ note });
  },
);
