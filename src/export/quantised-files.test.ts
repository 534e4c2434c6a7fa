import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { imatrixOf } from "../gguf/quantise/imatrix.ts";
import { contentsOf, randomInputs } from "../gguf/quantise/testing/whole-file.ts";
import { loadModel } from "../models/index.ts";
import type { TrainableModel } from "../nn/index.ts";
import { goldenGguf } from "../testing/golden-gguf.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { exportGguf } from "./export-merged.ts";
import { exportDTypes, isQuantisedDType } from "./gguf-file-types.ts";

const scratch = temporaryFolder();
const expected: unknown = JSON.parse(readFileSync(goldenGguf("whole-files.json"), "utf8"));
const baseFolder = goldenGguf("models", "llama.gguf");
let model: TrainableModel;

beforeAll(async () => {
  model = await loadModel(baseFolder, { dtype: "float32", device: "cpu" });
});
afterAll(() => {
  model.dispose();
  scratch.remove();
});

const files = exportDTypes
  .filter((dtype) => dtype !== "float32")
  .flatMap((dtype) => [
    { dtype, weighted: false, name: dtype },
    ...(isQuantisedDType(dtype) ? [{ dtype, weighted: true, name: `${dtype}, weighted` }] : []),
  ]);

test.each(files)(
  "$name: the tensors that llama.cpp's quantiser writes, in its order and to the bit",
  ({ dtype, weighted, name }) => {
    const open = { model, adapters: undefined, baseFolder };
    const exact = join(scratch.path, "exact.gguf");
    exportGguf(open, exact, { dtype: "float32" });
    const out = join(scratch.path, `${name}.gguf`);
    const imatrix = weighted ? imatrixOf("random.imatrix.gguf", randomInputs(exact)) : undefined;
    exportGguf(open, out, { dtype, imatrix });
    expect(expected).toHaveProperty([name], contentsOf(out));
  },
);
