// Exports a run in every way and writes the logits of the run itself beside the folders, for tools/reference/check_exports.py
// to load them in transformers and PEFT: node tools/export-parity.mjs RUN NEW_FOLDER [TEXT]
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { openModel } from "../dist/assemble/open-model.js";
import { runExport } from "../dist/export/run-export.js";
import { nf4Weights, tokenStream } from "../dist/nn/index.js";
import { writeSafetensors } from "../dist/safetensors/index.js";
import * as torch from "../dist/torch/index.js";

const [path, out, text = "The quick brown fox jumps over the lazy dog. 2 + 2 = 4"] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: node tools/export-parity.mjs RUN NEW_FOLDER [TEXT]");
  process.exit(2);
}
mkdirSync(dirname(out), { recursive: true });
mkdirSync(out);
const target = { path, dtype: "auto", device: "cpu" };
const open = await openModel(target);
const { ids } = await open.tokenizer.encode(text);
const { labels } = open.model.info;
torch.noGrad(() =>
  torch.scope(() => {
    const stream = tokenStream(ids, undefined, { device: "cpu" });
    const logits = labels
      ? open.model.logits(stream)
      : open.model.lm_head.forward(open.model.hiddenStates(stream));
    writeSafetensors(join(out, "logits.safetensors"), [
      ["tokens", torch.indices(ids, { device: "cpu" })],
      ["logits", logits],
    ]);
  }),
);
const kinds = [
  { name: "merged", kind: "merged", dtype: "float32" },
  { name: "svd", kind: "svd", energy: 1 },
  { name: "adapter", kind: "adapter" },
];
const { method } = open.adapters;
const base = open.baseFolder;
const nf4 = nf4Weights(open.model).length > 0;
open.dispose();
const { signal } = new AbortController();

const exported = [];

/** What an export says, or why the method has no such one. */
async function tryExport(name, request) {
  try {
    const result = await runExport({ target, out: join(out, name), ...request }, { signal });
    exported.push(name);
    return result;
  } catch (error) {
    if (error.code !== "usage") throw error;
    return error.message;
  }
}

for (const { name, ...request } of kinds) {
  const started = performance.now();
  const result = await tryExport(name, request);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${name}: ${JSON.stringify(result)} in ${seconds} s`);
}
writeFileSync(join(out, "about.json"), `${JSON.stringify({ base, nf4, method, labels, exported })}\n`);
