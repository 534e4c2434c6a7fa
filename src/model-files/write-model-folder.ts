import { join } from "node:path";
import { type TensorSource, tensorBytes, writeSafetensors } from "../safetensors/index.ts";
import { writeFolderAtomic } from "../util/atomic-folder.ts";
import { elementAt } from "../util/elements.ts";
import { writeFileAtomic } from "../util/files.ts";
import type { JsonObject } from "../util/json-file.ts";
import { formatJson } from "../util/strict-json.ts";
import { auxiliaryFiles } from "./auxiliary-files.ts";
import { indexFileName, weightsFileName } from "./model-weights.ts";

/** What a model folder is written from. */
export interface ModelFolderContent {
  config: JsonObject;
  weights: readonly (readonly [string, TensorSource])[];
  /** Model folder or GGUF file whose tokenizer, generation and licence files are copied. */
  auxiliarySource: string;
}

/**
 * Writes a Hugging Face model folder, atomically: config, weights (shards of at most `maxShardBytes` with
 * an index, or one file), and the source's tokenizer files.
 */
export function writeModelFolder(folder: string, content: ModelFolderContent, maxShardBytes = 5e9): void {
  writeFolderAtomic(folder, (temporary) => {
    writeFileAtomic(join(temporary, "config.json"), `${formatJson(content.config)}\n`);
    for (const [name, bytes] of auxiliaryFiles(content.auxiliarySource))
      writeFileAtomic(join(temporary, name), bytes);
    writeWeights(temporary, content.weights, maxShardBytes);
  });
}

function writeWeights(folder: string, weights: ModelFolderContent["weights"], maxShardBytes: number): void {
  const shards = splitShards(weights, maxShardBytes);
  const metadata = { format: "pt" };
  if (shards.length === 1) {
    writeSafetensors(join(folder, weightsFileName), elementAt(shards, 0), metadata);
    return;
  }
  const map: JsonObject = new Map();
  let total = 0;
  for (const [i, shard] of shards.entries()) {
    const number = (value: number) => String(value).padStart(5, "0");
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    writeSafetensors(join(folder, file), shard, metadata);
    for (const [name, source] of shard) {
      map.set(name, file);
      total += tensorBytes(source);
    }
  }
  const index = `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": ${formatJson(map, "  ")}\n}\n`;
  writeFileAtomic(join(folder, indexFileName), index);
}

function splitShards(
  weights: ModelFolderContent["weights"],
  maxBytes: number,
): (readonly [string, TensorSource])[][] {
  let shard: (readonly [string, TensorSource])[] = [];
  const shards = [shard];
  let bytes = 0;
  for (const item of weights) {
    const size = tensorBytes(item[1]);
    if (shard.length > 0 && bytes + size > maxBytes) {
      shard = [];
      shards.push(shard);
      bytes = 0;
    }
    shard.push(item);
    bytes += size;
  }
  return shards;
}
