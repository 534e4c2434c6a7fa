import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { downloadHint, modelPath } from "../download/index.ts";
import { readChatTemplate } from "../model-files/load-tokenizer.ts";
import { type ModelDataLimits, readDataLimits } from "../models/index.ts";
import { ScaloraError } from "../util/errors.ts";

/** What is known about a model without loading its weights. */
export interface ModelFacts {
  readonly limits: ModelDataLimits;
  readonly hasChatTemplate: boolean;
}

/**
 * Reads config and chat template of a model; its tokenizer, whose vocabulary takes long, is not.
 * @param model a folder, a GGUF file, or the name of a fetched model
 * @throws ScaloraError `model` or `format`, with advice for a model that is not there
 */
export function inspectModel(model: string): ModelFacts {
  const path = resolve(modelPath(model));
  const limits = readLimits(path, model);
  return { limits, hasChatTemplate: readChatTemplate(path) !== undefined };
}

function readLimits(path: string, model: string): ModelDataLimits {
  try {
    return readDataLimits(path);
  } catch (error) {
    if (existsSync(path)) throw error;
    throw new ScaloraError("model", "There is no such model", { where: model, fix: downloadHint(model) });
  }
}
