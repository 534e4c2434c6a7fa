/**
 * Writes what llama.cpp's quantiser makes of a small Llama of random weights, as the order and types of the tensors and a digest of their bytes:
 * test/golden/gguf/whole-files.json.
 *
 *     npm run tool -- tools/gguf-digests.ts LLAMA_QUANTIZE > test/golden/gguf/whole-files.json
 *
 * LLAMA_QUANTIZE as for tools/gguf-quantised.ts.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { exportGguf } from "../src/export/export-merged.ts";
import { exportDTypes, ggufFileTypes, isQuantisedDType } from "../src/export/gguf-file-types.ts";
import { writeImatrix } from "../src/gguf/quantise/imatrix.ts";
import { contentsOf, randomInputs } from "../src/gguf/quantise/testing/whole-file.ts";
import { loadModel } from "../src/index.ts";

const [program] = process.argv.slice(2);
if (program === undefined) throw new Error("LLAMA_QUANTIZE is needed");
const scratch = mkdtempSync(join(tmpdir(), "gguf-digests-"));
try {
  const baseFolder = "test/golden/gguf/models/llama.gguf";
  using model = await loadModel(baseFolder, { dtype: "float32", device: "cpu" });
  const [exact, imatrix, out] = ["exact.gguf", "random.imatrix.gguf", "out.gguf"].map((name) =>
    join(scratch, name),
  );
  if (exact === undefined || imatrix === undefined || out === undefined) throw new Error("no paths");
  exportGguf({ model, adapters: undefined, baseFolder }, exact, { dtype: "float32" });
  writeImatrix(imatrix, randomInputs(exact));
  const quantise = (dtype: (typeof exportDTypes)[number], options: readonly string[]) => {
    execFileSync(resolve(program), [...options, exact, out, ggufFileTypes[dtype]], { stdio: "pipe" });
    return contentsOf(out);
  };
  const files: Record<string, ReturnType<typeof contentsOf>> = {};
  for (const dtype of exportDTypes) {
    if (dtype === "float32") continue;
    files[dtype] = quantise(dtype, []);
    if (isQuantisedDType(dtype)) files[`${dtype}, weighted`] = quantise(dtype, ["--imatrix", imatrix]);
  }
  console.log(JSON.stringify(files, undefined, 1));
} finally {
  rmSync(scratch, { recursive: true });
}
