import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { checkTarget } from "../assemble/model-target.ts";
import { modelPath } from "../download/index.ts";
import { isGgufFile } from "../gguf/index.ts";
import { loadModel, saveModel } from "../models/index.ts";
import { requireEmpty } from "../util/atomic-folder.ts";
import { ScaloraError } from "../util/errors.ts";
import { outputPath, requireWritable } from "../util/output-path.ts";
import type { RunConvert } from "./export-request.ts";
import { folderBytes } from "./folder-size.ts";

/** Writes the model of a GGUF file as a Hugging Face folder: the exact (dequantised) values, tokenizer and chat template. */
export const runConvert: RunConvert = async ({ path: given, out: wanted }) => {
  const out = outputPath(wanted);
  const path = modelPath(given);
  if (!existsSync(path)) checkTarget({ path: given });
  if (!isGgufFile(path)) {
    throw new ScaloraError("usage", "This is not a GGUF file", {
      where: resolve(path),
      expected: "a GGUF file",
      fix: "to convert a folder to a GGUF file: `scalora export FOLDER --format gguf --out FILE.gguf`",
    });
  }
  requireEmpty(out);
  requireWritable(out);
  using model = await loadModel(path);
  saveModel(model, path, out);
  const { dtype, family } = model.info;
  return { out, family, dtype, bytes: folderBytes(out) };
};
