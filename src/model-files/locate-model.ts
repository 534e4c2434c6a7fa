import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { downloadHint, modelPath } from "../download/model-cache.ts";
import { ScaloraError } from "../util/errors.ts";
import { nearestPath } from "../util/nearest-path.ts";

/**
 * The absolute path of a model given by its folder, its GGUF file, or the name of a fetched model.
 * @throws ScaloraError `model` where nothing is there, with how to fetch it
 */
export function locateModel(model: string): string {
  if (typeof model !== "string")
    throw new ScaloraError("model", "A model is given by its path or its name", {
      expected: "a text: a model folder, a GGUF file or the name of a fetched model",
      found: `a value of type ${typeof model}`,
    });
  const path = resolve(modelPath(model));
  if (existsSync(path)) return path;
  const near = nearestPath(model);
  throw new ScaloraError("model", "There is no model here", {
    where: path,
    expected: "a model folder, a GGUF file or the name of a fetched model",
    found: "nothing",
    fix: near === undefined ? downloadHint(model) : `did you mean ${near}?`,
  });
}
