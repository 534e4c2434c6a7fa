// Exports a run in every way and writes the logits of the run itself beside the folders, for tools/reference/check_exports.py
// to load them in transformers and PEFT: npm run tool -- tools/export-parity.ts RUN NEW_FOLDER [TEXT]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openModel } from "../src/assemble/open-model.ts";
import type { ExportRequest } from "../src/export/export-request.ts";
import { runExport } from "../src/export/run-export.ts";
import { isClassifier, quantisedWeights, type TrainableModel, tokenStream } from "../src/nn/index.ts";
import { writeSafetensors } from "../src/safetensors/index.ts";
import * as torch from "../src/torch/index.ts";
import { ScaloraError } from "../src/util/errors.ts";

const [path = "", out, text = "The quick brown fox jumps over the lazy dog. 2 + 2 = 4"] =
  process.argv.slice(2);
if (out === undefined) {
  console.error("usage: npm run tool -- tools/export-parity.ts RUN NEW_FOLDER [TEXT]");
  process.exit(2);
}
mkdirSync(dirname(out), { recursive: true });
mkdirSync(out);
const target = { path, dtype: "auto", device: "cpu" } as const;
const kinds: (Pick<ExportRequest, "kind" | "dtype" | "energy"> & { name: string })[] = [
  { name: "merged", kind: "merged", dtype: "float32" },
  { name: "svd", kind: "svd", energy: 1 },
  { name: "adapter", kind: "adapter" },
];

/** Writes the run's logits of the text. @returns what the check must know of the run */
async function writeLogits(file: string) {
  using open = await openModel(target);
  const { model } = open;
  const { ids } = await open.tokenizer.encode(text);
  torch.noGrad(() =>
    torch.scope(() => {
      writeSafetensors(file, [
        ["tokens", torch.indices(ids, { device: "cpu" })],
        ["logits", logitsOf(model, ids)],
      ]);
    }),
  );
  return {
    base: open.baseFolder,
    nf4: quantisedWeights(model).length > 0,
    method: open.adapters?.method,
    labels: isClassifier(model) ? model.info.labels : undefined,
  };
}

function logitsOf(model: TrainableModel, ids: readonly number[]) {
  const stream = tokenStream(ids, undefined, { device: "cpu" });
  return isClassifier(model) ? model.logits(stream) : model.lm_head.forward(model.hiddenStates(stream));
}

/** What an export says, or why the method has no such one. */
async function tryExport(request: ExportRequest) {
  try {
    return { result: await runExport(request, { signal: new AbortController().signal }) };
  } catch (error) {
    if (error instanceof ScaloraError && error.code === "usage") return { refusal: error.message };
    throw error;
  }
}

const about = await writeLogits(join(out, "logits.safetensors"));
const exported: string[] = [];
for (const { name, ...request } of kinds) {
  const started = performance.now();
  const { result, refusal } = await tryExport({ target, out: join(out, name), ...request });
  if (result !== undefined) exported.push(name);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${JSON.stringify(result ?? refusal)} in ${seconds} s`);
}
writeFileSync(join(out, "about.json"), `${JSON.stringify({ ...about, exported })}\n`);
