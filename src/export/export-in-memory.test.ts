import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attach, attachFolder } from "../adapters/index.ts";
import { type OpenModel, openModel } from "../assemble/open-model.ts";
import { scaloraJson } from "../cli/testing/scalora.ts";
import { createModel, loadModel } from "../models/index.ts";
import { type CausalLM, isClassifier } from "../nn/index.ts";
import "../testing/close-to.ts";
import { firstLogits } from "../testing/first-logits.ts";
import { tinyLlamaConfig } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { type TinyMethod, trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { tolerances } from "../testing/tolerances.ts";
import { Generator, liveTensorCount } from "../torch/index.ts";
import { required } from "../util/elements.ts";
import { exportGguf, exportSvd, exportWithBase, mergeAndSave } from "./export-in-memory.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const methods = ["lora", "scalora", "full"] as const;
const runs = new Map<TinyMethod, string>();

beforeAll(async () => {
  writeTinyProject(scratch.path);
  for (const method of [...methods, "relora", "qlora"] as const)
    runs.set(method, await trainTiny(scratch.path, method));
});
afterAll(scratch.remove);

/** The files of an export with their bytes, by name. */
const contents = (path: string): Map<string, string> =>
  statSync(path).isFile()
    ? new Map([["", readFileSync(path, "latin1")]])
    : new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name), "latin1")]));

/** The model of a run in memory, as it is after training. */
async function inMemory(method: TinyMethod): Promise<Disposable & { model: CausalLM; adapters: Adapters }> {
  const open = await openModel({ path: required(runs.get(method), method) });
  const { model, adapters } = open;
  if (isClassifier(model)) throw new Error("a decoder");
  return { model, adapters: required(adapters, "the adapters"), [Symbol.dispose]: () => open.dispose() };
}
type Adapters = NonNullable<OpenModel["adapters"]>;

describe.each(methods)("%s in memory is exported as the command line exports it", (method) => {
  const exports: [
    kind: string,
    out: string,
    options: string[],
    write: (model: CausalLM, adapters: Adapters, out: string) => unknown,
  ][] = [
    ["merged", "folder", [], (m, a, out) => mergeAndSave(m, a, { out })],
    ["merged", "merged.gguf", ["--format", "gguf"], (m, a, out) => exportGguf(m, a, { out })],
    [
      "merged",
      "q8.gguf",
      ["--format", "gguf", "--dtype", "q8_0"],
      (m, a, out) => exportGguf(m, a, { out, dtype: "q8_0" }),
    ],
    ["svd", "svd", ["--rank", "3"], (m, a, out) => exportSvd(m, a, { out, rank: 3 })],
    [
      "svd",
      "svd.gguf",
      ["--energy", ".9", "--format", "gguf"],
      (m, a, out) => exportSvd(m, a, { out, energy: 0.9, format: "gguf" }),
    ],
  ];
  test.each(exports)("%s: %s", async (kind, name, options, write) => {
    const theirs = at(method, "command", name);
    const run = required(runs.get(method), method);
    const printed = await scaloraJson("export", run, "--out", theirs, "--as", kind, ...options);
    const live = liveTensorCount();
    {
      using trained = await inMemory(method);
      const ours = at(method, "memory", name);
      const result = await write(trained.model, trained.adapters, ours);
      expect(contents(ours)).toEqual(contents(theirs));
      const { drift, rank, retainedEnergy, bytes } = printed;
      const facts = name === "folder" ? {} : { kind, bytes, out: ours };
      expect(result).toMatchObject({
        ...facts,
        ...(drift !== undefined && { drift }),
        ...(rank !== undefined && { rank, retainedEnergy }),
      });
    }
    expect(liveTensorCount()).toBe(live);
  });
});

test.each(["scalora", "relora", "lora", "qlora"] as const)(
  "%s: an adapter saved with its base is the model that was trained",
  async (method) => {
    using trained = await inMemory(method);
    const { base, adapter } = await exportWithBase(trained.model, trained.adapters, {
      out: at("with-base", method),
    });
    const expected = firstLogits(trained.model);
    const live = liveTensorCount();
    {
      using model = await loadModel(base);
      const before = firstLogits(model);
      using _adapters = attachFolder(model, adapter);
      const after = firstLogits(model);
      expect(after).not.toEqual(before);
      expect(after).toBeCloseToAll(expected, tolerances.logits);
    }
    expect(liveTensorCount()).toBe(live);
    const config = JSON.parse(readFileSync(join(adapter, "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({ base_model_name_or_path: base, r: 2 });
  },
);

test("an adapter without its own kind of file is refused, and nothing is written", async () => {
  using trained = await inMemory("full");
  const out = at("nothing");
  await expect(exportWithBase(trained.model, trained.adapters, { out })).rejects.toMatchObject({
    code: "usage",
    found: expect.stringContaining("full fine-tuning"),
  });
  expect(readdirSync(scratch.path)).not.toContain("nothing");
});

describe("what cannot be exported is refused, with nothing half-written", () => {
  const writes = {
    mergeAndSave: async (m: CausalLM, a: Adapters, out: string) => mergeAndSave(m, a, { out }),
    exportGguf: (m: CausalLM, a: Adapters, out: string) => exportGguf(m, a, { out }),
    exportSvd: (m: CausalLM, a: Adapters, out: string) => exportSvd(m, a, { out, rank: 2 }),
    exportWithBase: (m: CausalLM, a: Adapters, out: string) => exportWithBase(m, a, { out }),
  };
  test.each(Object.entries(writes))("%s: where something is already", async (_name, write) => {
    using trained = await inMemory("lora");
    mkdirSync(at("occupied"), { recursive: true });
    writeFileSync(at("occupied", "mine.txt"), "mine");
    for (const out of [at("occupied"), at("occupied", "mine.txt")])
      await expect(write(trained.model, trained.adapters, out)).rejects.toMatchObject({
        code: "usage",
        where: out,
      });
    expect(contents(at("occupied"))).toEqual(new Map([["mine.txt", "mine"]]));
  });

  test.each(Object.entries(writes))("%s: adapters that are no longer on the model", async (_name, write) => {
    using model = await loadModel(at("model"));
    const adapters = attach(model, { method: "lora", rank: 2 });
    adapters.dispose();
    await expect(write(model, adapters, at("gone"))).rejects.toMatchObject({
      code: "usage",
      where: expect.stringContaining("q_proj"),
      found: expect.stringContaining("disposed"),
    });
  });

  test.each(Object.entries(writes))("%s: a model of no folder", async (_name, write) => {
    using generator = new Generator(0, "cpu");
    using model = createModel(tinyLlamaConfig, generator);
    using adapters = attach(model, { method: "lora", rank: 2 });
    await expect(write(model, adapters, at("none"))).rejects.toMatchObject({
      code: "usage",
      expected: expect.stringContaining("baseFolder"),
    });
  });

  test("adapters that would be left out", async () => {
    using trained = await inMemory("lora");
    await expect(exportGguf(trained.model, undefined, { out: at("bare.gguf") })).rejects.toMatchObject({
      code: "usage",
      fix: expect.stringContaining("attach()"),
    });
  });

  test("an svd export that is stopped", async () => {
    using trained = await inMemory("lora");
    const signal = AbortSignal.abort(new Error("enough"));
    const options = { out: at("stopped"), rank: 2, signal };
    await expect(exportSvd(trained.model, trained.adapters, options)).rejects.toThrow("enough");
  });

  test("none of these left anything behind", () => {
    const left = readdirSync(scratch.path).filter((name) => /gone|none|bare|stopped|\.tmp$/.test(name));
    expect(left).toEqual([]);
  });
});

test("a model without adapters is written as it is", async () => {
  using model = await loadModel(at("model"));
  await exportGguf(model, undefined, { out: at("plain.gguf") });
  await scaloraJson("export", at("model"), "--out", at("again", "plain.gguf"), "--format", "gguf");
  expect(contents(at("plain.gguf"))).toEqual(contents(at("again", "plain.gguf")));
});
