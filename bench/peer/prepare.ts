// What the sides of a model start from: its folder, an adapter, the batches.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedModelPath } from "../../src/download/index.ts";
import { loadModel, saveModel } from "../../src/models/index.ts";
import { lastLines, run } from "../../src/setup/run-program.ts";
import { makeBatches } from "./batches.ts";
import type { BenchModel } from "./plan.ts";
import type { Job } from "./side-files.ts";

/** A model's job but for what a row adds. */
export type PreparedModel = Omit<Job, "dtype">;

/**
 * Where a model is: a folder of its name within another, or in the caches of `scalora get`. Undefined for one that is not on
 * this machine; "" for one that is made.
 */
export function findModel({ name, source }: BenchModel, folder: string | undefined): string | undefined {
  if ("random" in source) return "";
  const own = folder === undefined ? undefined : join(folder, name);
  if (own !== undefined && existsSync(join(own, "config.json"))) return own;
  return source.names.map((id) => cachedModelPath(id)).find((path) => path !== undefined);
}

/**
 * Writes what the sides start from.
 * @param path what `findModel` found
 * @param out a folder of the model's own
 */
export async function prepareModel(
  model: BenchModel,
  path: string,
  { python, out }: { python: string; out: string },
): Promise<PreparedModel> {
  mkdirSync(out, { recursive: true });
  const script = fileURLToPath(new URL("prepare.py", import.meta.url));
  const source = "random" in model.source ? JSON.stringify(model.source.random) : await asFolder(path, out);
  const { code, stdout, stderr } = await run(python, [script, out, model.task, source]);
  if (code !== 0) throw new Error(`${model.name} could not be prepared:\n${lastLines(stderr || stdout)}`);
  const folder = join(out, "model");
  const { vocab_size: vocabulary } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  const batches = join(out, "batches.json");
  writeFileSync(batches, JSON.stringify(makeBatches(model, Number(vocabulary))));
  return { model: folder, adapter: join(out, "adapter"), batches, task: model.task };
}

/** A GGUF file as a folder, which transformers reads. */
async function asFolder(path: string, out: string): Promise<string> {
  if (!path.endsWith(".gguf")) return path;
  const folder = join(out, "source");
  saveModel(await loadModel(path, { dtype: "float32" }), path, folder, { dtype: "float32" });
  return folder;
}
