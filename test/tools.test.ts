import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { loadTokenizer } from "../src/model-files/load-tokenizer.ts";
import { loadModel } from "../src/models/index.ts";
import { tokenStream } from "../src/nn/index.ts";
import { SafetensorsFile } from "../src/safetensors/index.ts";
import { runChild } from "../src/testing/child-process.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../src/testing/tiny-trained-run.ts";
import { noGrad, scope } from "../src/torch/index.ts";
import { required } from "../src/util/elements.ts";

const scratch = temporaryFolder();
afterAll(() => scratch.remove());
const place = (...names: string[]) => join(scratch.path, ...names);

const runTool = (name: string, ...args: string[]) =>
  runChild(new URL(`../tools/${name}`, import.meta.url), ...args);

/** What a tool prints that must work. */
async function outputOf(name: string, ...args: string[]) {
  const { code, stdout, stderr } = await runTool(name, ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

const little = { vocab: 265, hidden: 8, intermediate: 12, layers: 1, heads: 2, kvHeads: 1, positions: 16 };
const letters = [" ", "a", "b", " a", "ab", " ab"];

/** A model and a tokenizer as llama2.c stores them: every weight is its index in the file, in thousandths. */
function writeLlama2c(modelPath: string, tokenizerPath: string) {
  const { vocab, hidden, intermediate, layers, heads, kvHeads, positions } = little;
  const header = [hidden, intermediate, layers, heads, kvHeads, vocab, positions];
  const headDim = hidden / heads;
  const attention = 2 * hidden * hidden + 2 * kvHeads * headDim * hidden;
  const layer = 2 * hidden + attention + 3 * intermediate * hidden;
  const count = vocab * hidden + layers * layer + hidden + positions * headDim;
  const weights = Float32Array.from({ length: count }, (_, i) => (i % 100) / 1000);
  writeFileSync(
    modelPath,
    Buffer.concat([Buffer.from(Int32Array.from(header).buffer), Buffer.from(weights.buffer)]),
  );
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const pieces = ["<unk>", "<s>", "</s>", ...bytes, ...letters].map((piece, id) => {
    const start = Buffer.alloc(8);
    start.writeFloatLE(id, 0);
    start.writeInt32LE(Buffer.byteLength(piece), 4);
    return Buffer.concat([start, Buffer.from(piece)]);
  });
  writeFileSync(tokenizerPath, Buffer.concat([Buffer.from(Int32Array.of(6).buffer), ...pieces]));
}

/** The logits of a model folder, as numbers. */
async function logitsOf(folder: string, tokens: readonly number[]) {
  using model = await loadModel(folder, { dtype: "float32" });
  return noGrad(() =>
    scope(() => {
      const stream = tokenStream(tokens, undefined, { device: "cpu" });
      return model.lm_head.forward(model.hiddenStates(stream)).toFloats();
    }),
  );
}

function vocabularyOf(folder: string): Map<string, number> {
  const file = z.object({ model: z.object({ vocab: z.record(z.string(), z.int()) }) });
  const text = readFileSync(join(folder, "tokenizer.json"), "utf8");
  return new Map(Object.entries(file.parse(JSON.parse(text)).model.vocab));
}

test("convert-llama2c makes a folder that loads; permute-tokens gives its pieces other IDs", async () => {
  writeLlama2c(place("model.bin"), place("tokenizer.bin"));
  const folder = place("converted");
  const converted = await outputOf("convert-llama2c.ts", place("model.bin"), place("tokenizer.bin"), folder);
  expect(converted).toBe(`${folder}\n`);
  const { ids } = await (await loadTokenizer(folder)).encode("ab ab");
  expect(ids).toEqual([1, 264, 264]);
  expect((await logitsOf(folder, ids)).every(Number.isFinite)).toBe(true);
  expect(existsSync(join(folder, "generation_config.json"))).toBe(true);

  await outputOf("permute-tokens.ts", folder, place("permuted"), "259");
  const [before, after] = [vocabularyOf(folder), vocabularyOf(place("permuted"))];
  const sorted = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
  expect(sorted(after.values())).toEqual(sorted(before.values()));
  const moved = [...before].filter(([piece, id]) => after.get(piece) !== id);
  expect(moved.length).toBeGreaterThan(2);
  expect(moved.every(([, id]) => id >= 259)).toBe(true);
});

test("export-parity writes a run's logits, and every export that its method has", async () => {
  writeTinyProject(place());
  const run = await trainTiny(place(), "lora");
  const out = place("exports", "lora");
  const printed = await outputOf("export-parity.ts", run, out, "abc=");
  expect(printed.split("\n").map((line) => line.split(":")[0])).toEqual(["merged", "svd", "adapter", ""]);
  expect(JSON.parse(readFileSync(join(out, "about.json"), "utf8"))).toMatchObject({
    method: "lora",
    nf4: false,
    exported: ["merged", "svd", "adapter"],
  });
  using file = SafetensorsFile.open(join(out, "logits.safetensors"));
  const [tokens, logits] = scope(() => [
    Array.from(file.tensor("tokens").toFloats()),
    file.tensor("logits").toFloats(),
  ]);
  const merged = await logitsOf(join(out, "merged"), tokens);
  expect(merged.length).toBe(logits.length);
  for (const [i, value] of merged.entries()) expect(value).toBeCloseTo(required(logits[i], "a logit"), 4);
});

test.concurrent.each([
  ["convert-llama2c.ts", "model.bin", "tokenizer.bin"],
  ["permute-tokens.ts", "model", "out", "first"],
  ["export-parity.ts", "run"],
])("%s without what it needs says its usage and ends with 2", async (name, ...args) => {
  const { code, stdout, stderr } = await runTool(name, ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`npm run tool -- tools/${name} `);
});
