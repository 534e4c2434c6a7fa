import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runChild } from "../../src/testing/child-process.ts";
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
