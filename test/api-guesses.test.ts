// What a new user of the API writes at first: where the guess is clear it works, else the error says what to write.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  attach,
  attachFolder,
  collate,
  evaluateLoss,
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

test("a model that was disposed of is called so, not its tensors", async () => {
  const [model, tokenizer] = [await loadModel(folder), await loadTokenizer(folder)];
  model.dispose();
  const freed = refusal("usage", {
    message: "its weights are freed",
    where: folder,
    fix: "before dispose()",
  });
  const out = join(scratch.path, "freed");
  expect(() => attach(model, { method: "lora" })).toThrow(freed);
  expect(() => saveModel(model, folder, out)).toThrow(freed);
  await expect(exportGguf(model, undefined, { out })).rejects.toThrow(freed);
  expect(readdirSync(scratch.path)).not.toContain("freed");
  await expect(generateText(model, tokenizer, "a").next()).rejects.toThrow(freed);
  const rows = join(scratch.path, "few.jsonl");
  writeFileSync(rows, JSON.stringify({ text: "a b c" }));
  const { train: examples } = await loadDataset({ train: rows }, tokenizer, { maxLength: 16 });
  const batch = collate(examples.flat());
  await expect(evaluateLoss(model, [batch])).rejects.toThrow(freed);
});

test("so is an adapter set that was disposed of", async () => {
  using model = await loadModel(folder);
  const adapters = attach(model, { method: "lora", rank: 2 });
  adapters.dispose();
  const freed = refusal("usage", {
    message: "their factors are freed",
    where: "lora",
    fix: "before dispose()",
  });
  expect(() => adapters.saveAdapter(join(scratch.path, "freed"), folder)).toThrow(freed);
  expect(() => adapters.mergedWeight("model.layers.0.self_attn.q_proj")).toThrow(freed);
});

test("an export that cannot be used is refused before anything is written", async () => {
  const tiny = fileURLToPath(new URL("../assets/tiny", import.meta.url));
  using model = await loadModel(tiny);
  using adapters = attach(model, { method: "lora", rank: 2 });
  const out = join(scratch.path, "unusable.gguf");
  const noGguf = refusal("usage", { message: "GGUF cannot represent this tokenizer" });
  await expect(exportGguf(model, adapters, out)).rejects.toThrow(noGguf);
  await expect(exportSvd(model, adapters, { out, rank: 1, format: "gguf" })).rejects.toThrow(noGguf);
  await expect(exportSvd(model, adapters, { out })).rejects.toThrow(
    refusal("usage", { message: "a rank or a fraction", fix: "rank: 16" }),
  );
  const imatrix = join(scratch.path, "none.gguf");
  await expect(exportGguf(model, adapters, { out, dtype: "q8_0", imatrix })).rejects.toThrow(
    refusal("usage", { where: imatrix, found: "nothing", fix: "mend the path" }),
  );
  expect(readdirSync(scratch.path)).not.toContain("unusable.gguf");
});
