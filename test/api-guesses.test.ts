// What a new user of the API writes at first: where the guess is clear it works, else the error says what to write.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  attach,
  attachFolder,
  exportGguf,
  exportSvd,
  generateText,
  loadDataset,
  loadModel,
  loadTokenizer,
  mergeAndSave,
  parseRecipe,
  saveModel,
  train,
} from "../src/index.ts";
import { refusal } from "../src/testing/refusal.ts";
import { writeTinyLlama } from "../src/testing/tiny-llama.ts";
import { temporaryFolder } from "../src/testing/tiny-run.ts";

const scratch = temporaryFolder();
const folder = join(scratch.path, "model");
beforeAll(() => writeTinyLlama(folder));
afterAll(scratch.remove);

test("one module name stands for a list of it", async () => {
  const paths = [];
  for (const targetModules of ["q_proj", ["q_proj"]]) {
    using model = await loadModel(folder);
    using adapters = attach(model, { method: "lora", rank: 2, targetModules });
    paths.push(adapters.adaptedPaths());
  }
  expect(paths[0]).toEqual(paths[1]);
  expect(paths[0]).toHaveLength(2);
});

test.each([
  [{ method: "lora", r: 4 }, "rank"],
  [{ method: "lora", lora_alpha: 4 }, "alpha"],
  [{ method: "lora", target_modules: ["q_proj"] }, "targetModules"],
  [{ method: "lora", modules_to_save: ["lm_head"] }, "modulesToSave"],
  [{ method: "lora", use_rslora: true }, "rslora"],
  [{ method: "lora", targetModules: "q_proj,v_proj" }, "write a list: [q_proj, v_proj]"],
  [{ method: "lora", targetModules: "all_linear" }, "did you mean all-linear?"],
  [{ method: "LoRA" }, "did you mean lora?"],
])("%j is led to %s", async (options, meant) => {
  using model = await loadModel(folder);
  // As a program without types gives them.
  const asGiven: { method: string } = options;
  expect(() => attach(model, asGiven)).toThrow(refusal("config", { message: meant }));
});

/** Calls a function as a program without types can. */
const untyped = async (call: (...args: never[]) => unknown, ...args: unknown[]) =>
  await Reflect.apply(call, undefined, args);

test("a missing await is said, and where", async () => {
  const [pending, tokenizer] = [loadModel(folder), loadTokenizer(folder)];
  using model = await pending;
  using adapters = attach(model, { method: "lora", rank: 2 });
  const out = join(scratch.path, "none");
  const firstPiece = (...args: Parameters<typeof generateText>) => generateText(...args).next();
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    attach: () => untyped(attach, pending, { method: "lora" }),
    attachFolder: () => untyped(attachFolder, pending, "adapter"),
    mergeAndSave: () => untyped(mergeAndSave, pending, adapters, { out }),
    saveModel: () => untyped(saveModel, pending, folder, out),
    exportGguf: () => untyped(exportGguf, pending, adapters, { out }),
    exportSvd: () => untyped(exportSvd, pending, adapters, { out, rank: 1 }),
    train: () => untyped(train, { model: pending, adapters }),
    generateText: () => untyped(firstPiece, pending, tokenizer, "a"),
  };
  for (const [name, call] of Object.entries(calls))
    await expect(call(), name).rejects.toThrow(refusal("usage", { where: "model", fix: "await" }));
  await expect(untyped(loadDataset, { train: "rows.jsonl" }, tokenizer, { maxLength: 8 })).rejects.toThrow(
    refusal("usage", { where: "tokenizer", fix: "await" }),
  );
});

test("~ is the home folder in every path", async () => {
  vi.stubEnv("HOME", scratch.path);
  writeFileSync(join(scratch.path, "rows.jsonl"), JSON.stringify({ text: "a b c" }));
  const { model, data, run } = parseRecipe({
    model: { path: "~/model" },
    adapter: { method: "lora" },
    data: { train: "~/rows.jsonl", eval: "none" },
    run: { folder: "~/runs" },
  });
  expect([model.path, data.train[0]?.path, run.folder]).toEqual(
    ["model", "rows.jsonl", "runs"].map((name) => join(scratch.path, name)),
  );
  using loaded = await loadModel("~/model");
  const tokenizer = await loadTokenizer("~/model");
  const dataset = await loadDataset({ train: "~/rows.jsonl" }, tokenizer, { maxLength: 16 });
  expect(dataset.train.flat()).toHaveLength(1);
  {
    using adapters = attach(loaded, "lora");
    mergeAndSave(loaded, adapters, "~/merged");
    adapters.saveAdapter("~/adapter", "~/model");
  }
  using adapters = attachFolder(loaded, "~/adapter");
  await exportGguf(loaded, adapters, "~/merged.gguf");
  expect(readdirSync(scratch.path)).toEqual(expect.arrayContaining(["merged", "merged.gguf", "adapter"]));
  vi.unstubAllEnvs();
});

test("a context length that is left out is asked for", async () => {
  const tokenizer = await loadTokenizer(folder);
  await expect(untyped(loadDataset, { train: "rows.jsonl" }, tokenizer, {})).rejects.toThrow(
    refusal("config", { where: "maxLength", expected: "model.info.maxPositions" }),
  );
});
