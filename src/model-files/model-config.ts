import { existsSync } from "node:fs";
import { join } from "node:path";
import { ggufConfig, isGgufFile } from "../gguf/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { type JsonObject, readJsonObject } from "../util/json-file.ts";
import { parseJson } from "../util/strict-json.ts";

/** The `config.json` of a model folder, or its equivalent of a GGUF file. @throws ScaloraError `model` or `format` */
export function readModelConfig(folder: string): JsonObject {
  if (isGgufFile(folder)) return toJsonObject(ggufConfig(folder));
  if (!existsSync(folder))
    throw new ScaloraError("model", "There is no model folder here", { where: folder });
  const path = join(folder, "config.json");
  if (!existsSync(path)) throw notAModel(folder);
  return readJsonObject(path);
}

function notAModel(folder: string): ScaloraError {
  const other = otherFolders.find(({ file }) => existsSync(join(folder, file)));
  return new ScaloraError(
    "model",
    "The folder has no config.json, so it is not a Hugging Face model folder",
    { where: folder, ...(other && { found: other.kind, fix: other.fix }) },
  );
}

/** Folders that are taken for a model's, by a file that each has. */
const otherFolders = [
  {
    file: "config.yaml",
    kind: "a run's folder",
    fix: "openGenerator({ path }) opens a run, and `npx scalora export` makes a model folder of it",
  },
  {
    file: "adapter_config.json",
    kind: "an adapter's folder",
    fix: "load the model that it was trained on, then attachFolder(model, path)",
  },
];

/** Location of the config of a model folder or GGUF file, for messages. */
export function configLocation(source: string): string {
  return isGgufFile(source) ? source : join(source, "config.json");
}

/** Plain values as a `JsonObject`. */
function toJsonObject(values: Readonly<Record<string, unknown>>): JsonObject {
  const parsed = parseJson(JSON.stringify(values));
  return parsed instanceof Map ? parsed : new Map();
}
