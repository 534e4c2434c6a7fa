import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { isGgufFile } from "../gguf/index.ts";
import { auxiliaryFiles } from "../model-files/auxiliary-files.ts";
import { readModelConfig } from "../model-files/model-config.ts";
import { hashModel } from "../train/model-hash.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { readFileBytes, statsOf } from "../util/read-file.ts";
import { formatJson } from "../util/strict-json.ts";
import type { OpenModel } from "./open-model.ts";

/** Files of a model folder, other than weights, that change the model's outputs. */
const settingFiles =
  /^(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|merges|spiece|spm|chat_template)\.(json|model|txt|jinja)$/;

/**
 * Hash of everything that an output depends on, except the prompt.
 * @param adapter the folder of the installed adapter, if any
 * @throws ScaloraError `model` when a file of the model or the adapter cannot be read
 */
export function modelIdentity(
  { model, adapters, recipe, baseFolder }: Pick<OpenModel, "model" | "adapters" | "recipe" | "baseFolder">,
  adapter?: string,
): string {
  const identity = createHash("sha256").update(hashModel(model));
  for (const [name, value] of adapters?.state() ?? []) {
    const { buffer, byteOffset, byteLength } = value.data();
    identity.update(`${name}\0`).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  identity.update(JSON.stringify(recipe?.adapter ?? null));
  for (const [name, content] of settings(baseFolder)) identity.update(`${name}\0`).update(content);
  if (adapter !== undefined) {
    const name = "adapter_config.json";
    identity.update(`${name}\0`).update(readSetting(join(adapter, name)));
  }
  return identity.digest("hex");
}

/** The settings files of a model folder, or the corresponding metadata of a GGUF file. */
function* settings(model: string): Generator<readonly [name: string, content: string | Uint8Array]> {
  if (isGgufFile(model)) {
    yield ["config.json", formatJson(readModelConfig(model))];
    yield* auxiliaryFiles(model);
  } else
    for (const name of readdirSync(model).sort())
      if (settingFiles.test(name) && statsOf(join(model, name))?.isFile())
        yield [name, readSetting(join(model, name))];
}

/** Size of a file of settings; the tokenizers of the largest vocabularies have some 40 MB. */
const maxBytes = 1 << 27;

/** The bytes as they are: the hash is over these, whatever text they make. */
function readSetting(path: string): Uint8Array {
  try {
    return readFileBytes(path, maxBytes);
  } catch (cause) {
    throw new ScaloraError("model", `Cannot read ${basename(path)}`, {
      where: path,
      found: messageOf(cause),
      fix: "give a folder whose files can be read",
      cause,
    });
  }
}
