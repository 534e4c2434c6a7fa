import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseRecipe } from "../config/index.ts";
import { type GgufTensor, readGgufHeader } from "../gguf/header.ts";
import { runTraining } from "../recipes/run-training.ts";
import "../testing/close-to.ts";
import { goldenGguf } from "../testing/golden-gguf.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { tolerances } from "../testing/tolerances.ts";
import { liveTensorCount, MappedFile, matmul, scope, type Tensor } from "../torch/index.ts";
import { elementAt, mapTuple } from "../util/elements.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { scaloraJson as json, runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const runs = { lora: "", scalora: "", full: "" };

beforeAll(async () => {
  writeTinyProject(scratch.path);
  for (const method of ["lora", "scalora", "full"] as const)
    runs[method] = await trainTiny(scratch.path, method);
});
afterAll(scratch.remove);

const toGguf = (model: string, out: string, ...options: string[]) =>
  json("export", model, "--out", out, "--format", "gguf", ...options);

describe("a merged GGUF file is the model that was trained", () => {
  test.each(["lora", "scalora", "full"] as const)("%s", async (method) => {
    const out = at(`${method}.gguf`);
    const live = liveTensorCount();
    const result = await toGguf(runs[method], out, "--dtype", "float32");
    expect(result).toMatchObject({ out, kind: "merged", bytes: statSync(out).size });
    const loss = async (model: string) => (await json("eval", model, "--data", at("test.jsonl"))).loss;
    expect(await loss(out)).toBeCloseTo(await loss(runs[method]), 5);
    const text = (model: string) =>
      json("generate", model, "abc=", "--max-tokens", "12").then((written) => written.text);
    expect(await text(out)).toBe(await text(runs[method]));
    expect(liveTensorCount()).toBe(live);
  });
});

test("chat template, special tokens and what ends a turn go into the file and come back", async () => {
  const out = at("chat.gguf");
  await toGguf(at("model"), out);
  await json("convert", out, at("chat"));
  const file = (name: string) => JSON.parse(readFileSync(at("chat", name), "utf8"));
  expect(file("generation_config.json")).toEqual({ bos_token_id: 256, eos_token_id: [257, 259] });
  expect(file("tokenizer_config.json")).toMatchObject({ bos_token: "<|bos|>", eos_token: "<|eos|>" });
  const chat = (model: string) => json("generate", model, "hello", "--chat", "--max-tokens", "8");
  const [ours, theirs] = [await chat(out), await chat(at("model"))];
  expect(ours.text).toBe(theirs.text);
  expect(ours.promptTokens).toBe(theirs.promptTokens);
});

test.each([
  ["q8_0", 1e-3, 2e-2],
  ["float16", 1e-5, 1e-3],
  ["bfloat16", 1e-4, 1e-2],
] as const)(
  "%s tells its drift, and what the rounding does to the held-out loss",
  async (dtype, low, high) => {
    const result = await toGguf(runs.lora, at(`${dtype}.gguf`), "--dtype", dtype);
    expect(result.drift).toBeGreaterThan(low);
    expect(result.drift).toBeLessThan(high);
    expect(Math.abs(result.heldOutLoss.exported - result.heldOutLoss.trained)).toBeLessThan(0.1);
    expect(result.bytes).toBeLessThan(0.75 * statSync(at("lora.gguf")).size);
  },
);

/** A tensor as the file stores it. */
function stored(path: string, { begin, shape }: GgufTensor): Tensor {
  using file = new MappedFile(path);
  return file.tensor(begin, shape, "float32");
}

describe("base and adapter in a GGUF file together are the merged file, in the format's own order of rows", () => {
  test.each([
    ["lora", ["--as", "adapter"]],
    ["scalora", ["--as", "svd", "--energy", "1"]],
  ] as const)("%s", async (method, options) => {
    const [base, adapter, merged] = [at(`${method}-b.gguf`), at(`${method}-a.gguf`), at(`${method}-m.gguf`)];
    await toGguf(at("model"), base, "--dtype", "float32");
    await toGguf(runs[method], merged, "--dtype", "float32");
    await toGguf(runs[method], adapter, ...options);
    const [files, { metadata, tensors }] = [
      mapTuple([base, merged], readGgufHeader),
      readGgufHeader(adapter),
    ];
    expect(metadata.string("general.type")).toBe("adapter");
    expect(metadata.string("adapter.type")).toBe("lora");
    const alpha = metadata.number("adapter.lora.alpha") ?? Number.NaN;
    const names = [...tensors.keys()].filter((name) => name.endsWith(".lora_a"));
    expect(names).toContain("blk.0.attn_q.weight.lora_a");
    for (const name of names.map((each) => each.slice(0, -".lora_a".length))) {
      scope(() => {
        const part = (of: string) => tensors.get(`${name}.${of}`) ?? expect.fail(of);
        const rank = elementAt(part("lora_a").shape, 0);
        const scale = alpha === 0 ? 1 : alpha / rank;
        const change = matmul(stored(adapter, part("lora_b")), stored(adapter, part("lora_a"))).toFloats();
        const [before, after] = mapTuple(files, ({ path, tensors: of }) =>
          stored(path, of.get(name) ?? expect.fail(name)).toFloats(),
        );
        const sum = before.map((value, i) => value + scale * elementAt(change, i));
        expect(sum, name).toBeCloseToAll(after, tolerances.logits);
      });
    }
  });
});

test("results of a GGUF file are kept, and used again for the same file alone", async () => {
  const instruction =
    "Please answer the following question with true or false, question: is 2 even?\n\nAnswer format: true/false";
  mkdirSync(at("tasks", "boolq"), { recursive: true });
  const row = { instruction, input: "", output: "the correct answer is true", answer: "true" };
  writeFileSync(at("tasks", "boolq", "test.json"), JSON.stringify([row]));
  const flags = ["--tasks", "boolq", "--mode", "loglikelihood", "--data", at("tasks")];
  const score = (model: string) =>
    runScalora("eval", model, ...flags, "--predictions", at("kept.jsonl"), "--json");
  const [exact, rounded] = [at("exact.gguf"), at("rounded.gguf")];
  await toGguf(at("model"), exact, "--dtype", "float32");
  await toGguf(at("model"), rounded, "--dtype", "float16");
  expect((await score(exact)).code).toBe(0);
  expect(JSON.parse((await score(exact)).stdout).tasks[0].reused).toBe(1);
  expect(printedFailure(await score(rounded))).toMatchObject({
    code: 2,
    where: at("kept.jsonl"),
    found: "boolq example 1 with another key",
  });
});

test("a GGUF file is a base to train on, and what comes of it a folder or another file", async () => {
  const model = at("base.gguf");
  await toGguf(at("model"), model);
  const sections = {
    model: { path: "base.gguf", device: "cpu" },
    adapter: { method: "lora", rank: 2 },
    data: { train: "train.jsonl", eval: { holdOut: 8 } },
    train: { steps: 4, batchSize: 4, lr: 1e-2 },
  };
  const signal = new AbortController().signal;
  const train = (path: string, name: string) => {
    const own = { ...sections, model: { ...sections.model, path }, run: { name } };
    return runTraining(parseRecipe(own, { cwd: scratch.path }), { signal, onEvent: () => {} });
  };
  const [run, same] = [await train(model, "on-gguf"), await train(at("model"), "on-folder")];
  expect(run.evalLoss).toBe(same.evalLoss);
  await json("export", run.folder, "--out", at("from-gguf"));
  expect(readdirSync(at("from-gguf")).sort()).toEqual([
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  const loss = async (path: string) => (await json("eval", path, "--data", at("test.jsonl"))).loss;
  expect(await loss(at("from-gguf"))).toBeCloseTo(await loss(run.folder), 5);
});

test("tasks are scored on a GGUF file, and a rerun knows the model again", async () => {
  const [first, second] = [at("tasks-a.gguf"), at("tasks-b.gguf")];
  await toGguf(at("model"), first);
  await toGguf(runs.full, second);
  mkdirSync(at("data", "gsm8k"), { recursive: true });
  const row = { question: "1+1?", answer: "One more.\n#### 2" };
  writeFileSync(at("data", "gsm8k", "test.jsonl"), JSON.stringify(row));
  const flags = ["--tasks", "gsm8k", "--data", at("data"), "--predictions", at("results.jsonl"), "--json"];
  const reused = async () => JSON.parse((await runScalora("eval", first, ...flags)).stdout).tasks[0].reused;
  expect(await reused()).toBe(0);
  expect(await reused()).toBe(1);
  const other = await runScalora("eval", second, ...flags);
  expect(printedFailure(other)).toMatchObject({
    code: 2,
    where: at("results.jsonl"),
    found: "gsm8k example 1 with another key",
  });
});

const models = readdirSync(goldenGguf("models")).filter((name) => name.endsWith(".gguf"));

test.each(models)(
  "%s: file, folder, file in float32, folder: the folders are equal byte for byte",
  async (name) => {
    const [once, twice] = [at(`${name}-1`), at(`${name}-2`)];
    const middle = at(`middle-${name}`);
    await json("convert", goldenGguf("models", name), once);
    await toGguf(once, middle, "--dtype", "float32");
    await json("convert", middle, twice);
    const names = readdirSync(once);
    expect(names).toContain("tokenizer.json");
    expect(readdirSync(twice)).toEqual(names);
    for (const file of names) {
      const [first, second] = mapTuple([once, twice], (folder) => readFileSync(join(folder, file)));
      expect(second.equals(first), file).toBe(true);
    }
  },
);

test("what cannot be is refused with the reason", async () => {
  const refused = async (fields: object, ...args: string[]) =>
    expect(printedFailure(await runScalora(...args))).toMatchObject({ code: 2, ...fields });
  const notes = at("notes.txt");
  writeFileSync(notes, "This is no model.");
  await refused({ where: notes, found: '"This"' }, "generate", notes, "a");
  await refused({ where: at("model"), expected: "a GGUF file" }, "convert", at("model"), at("no"));
  const exported = ["export", at("model"), "--out"];
  await refused(
    { message: "--dtype q8_0 needs --format gguf" },
    ...[...exported, at("no"), "--dtype", "q8_0"],
  );
  await refused(
    { where: at("model"), fix: expect.stringContaining("--adapter") },
    ...[...exported, at("no.gguf"), "--format", "gguf", "--as", "adapter"],
  );
  await refused(
    { message: expect.stringContaining(notes), expected: "a folder or file that does not exist" },
    ...[...exported, notes, "--format", "gguf"],
  );
});

test("a folder named as a GGUF file is refused, and so is a GGUF file as an adapter", async () => {
  const named = await runScalora("export", runs.lora, "--out", at("folder.gguf"));
  expect(printedFailure(named)).toMatchObject({
    code: 2,
    message: expect.stringContaining(at("folder.gguf")),
    expected: expect.stringContaining("--format gguf"),
  });
  const used = await runScalora("generate", at("model"), "--adapter", at("lora.gguf"), "hi");
  expect(printedFailure(used)).toMatchObject({
    code: 2,
    where: at("lora.gguf"),
    fix: expect.stringContaining("--as adapter"),
  });
});
