import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listMethods } from "../adapters/registry.ts";
import { parseRecipe } from "../config/index.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import {
  type TinyMethod,
  tinyMethodConfigs,
  trainTiny,
  writeTinyProject,
} from "../testing/tiny-trained-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
beforeAll(() => writeTinyProject(scratch.path));
afterAll(scratch.remove);

const loss = async (...args: string[]) => {
  const { code, stdout, stderr } = await runScalora("eval", ...args, "--data", at("test.jsonl"), "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).loss;
};

/** The methods beside those that use-model.test.ts takes through the command line, and whether their adapter is a folder. */
const cases: [TinyMethod, boolean][] = [
  ["lora-patterns", true],
  ["qlora", true],
  ["lora+", true],
  ["lora-ga", true],
  ["pissa", true],
  ["dora", true],
  ["hira", true],
  ["fourierft", true],
  ["mora", false],
  ["scalora-factored", true],
  ["scalora-nf4", true],
  ["scalora-magnitude", true],
  ["relora", false],
  ["relora-factored", true],
  ["flora", false],
  ["flora-factored", true],
];

test.each(cases)(
  "%s: trains, is evaluated, and what it exports is the same model",
  async (method, isFolder) => {
    const live = liveTensorCount();
    const run = await trainTiny(scratch.path, method);
    const events = readFileSync(join(run, "events.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const evals = events.filter(({ type }) => type === "eval");
    expect(evals.at(-1).loss).toBeLessThan(evals[0].loss);
    const own = await loss(run, "--checkpoint", "last");
    const merged = at(`merged-${method}`);
    const options = ["--checkpoint", "last"];
    await runScalora("export", run, ...options, "--out", merged, "--dtype", "float32");
    expect(await loss(merged)).toBeCloseTo(own, 5);
    const folder = at(`adapter-${method}`);
    const alone = await runScalora("export", run, ...options, "--out", folder, "--as", "adapter");
    const base =
      method === "qlora" || method.endsWith("-nf4") ? [at("model"), "--quantization", "nf4"] : [at("model")];
    if (isFolder) expect(await loss(...base, "--adapter", folder)).toBeCloseTo(own, 5);
    else expect(printedFailure(alone)).toMatchObject({ code: 2, fix: expect.stringContaining("--as svd") });
    expect(liveTensorCount()).toBe(live);
  },
);

test("ls methods has every one", async () => {
  const { stdout } = await runScalora("ls", "methods", "--json");
  const listed = JSON.parse(stdout).map(({ method }: { method: string }) => method);
  expect(listed).toEqual(listMethods().map(({ name }) => name));
  expect(listed).toEqual(expect.arrayContaining(cases.map(([method]) => tinyMethodConfigs[method].method)));
});

test.each([
  ["fourierft", 3e-2],
  ["mora", 3e-4],
  ["pissa", 2e-5],
] as const)("%s: a recipe without a rate gets the method's own", (method, lr) => {
  const recipe = { model: { path: at("model") }, adapter: { method }, data: { train: at("train.jsonl") } };
  expect(parseRecipe(recipe).train.lr).toBe(lr);
});
