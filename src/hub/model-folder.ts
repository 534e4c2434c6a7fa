import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Tensor } from "../torch/index.js";
import { messageOf, ScaloraError } from "../util/errors.js";
import { writeFileAtomic } from "../util/files.js";
import { nearest } from "../util/suggest.js";
import { writeFolderAtomic } from "./folder.js";
import { formatJson, type JsonValue, parseJson, plainJson } from "./json.js";
import {
  type SafetensorsEntry,
  SafetensorsFile,
  sourceBytes,
  type TensorSource,
  writeSafetensors,
} from "./safetensors/index.js";

/** A JSON object as a file holds it: keys in order, numbers as written. */
export type JsonObject = Map<string, JsonValue>;

const weightsName = "model.safetensors";
const indexName = "model.safetensors.index.json";

/** Everything beside config and weights that belongs to a model: what other tools need to use the copy. */
const companionFiles = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "tokenizer.model",
  "spm.model",
  "spiece.model",
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "chat_template.json",
  "generation_config.json",
  "LICENSE",
  "LICENSE.txt",
  "NOTICE",
  "USE_POLICY.md",
];

/** Reads a file that must hold one JSON object. Throws ScaloraError with `code`, naming the file. */
export function readJsonObject(path: string, code: "model" | "format" = "model"): JsonObject {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ScaloraError(code, `Cannot read ${basename(path)}`, {
      where: path,
      found: messageOf(error),
      cause: error,
    });
  }
  try {
    const value = parseJson(text);
    if (value instanceof Map) return value;
  } catch (error) {
    throw new ScaloraError(code, `${basename(path)} is not valid JSON`, {
      where: path,
      found: messageOf(error),
      cause: error,
    });
  }
  throw new ScaloraError(code, `${basename(path)} does not hold a JSON object`, { where: path });
}

/** `config.json` of a model folder. Throws ScaloraError `model`. */
export function readModelConfig(folder: string): JsonObject {
  if (!existsSync(folder))
    throw new ScaloraError("model", "There is no model folder here", { where: folder });
  const path = join(folder, "config.json");
  if (!existsSync(path)) {
    throw new ScaloraError(
      "model",
      "The folder has no config.json, so it is not a Hugging Face model folder",
      {
        where: folder,
      },
    );
  }
  return readJsonObject(path);
}

/** Where a tensor is. */
interface Place {
  file: SafetensorsFile;
  /** Its name in the file. */
  stored: string;
}

/** The weights of a model folder: one safetensors file, or shards with their index. */
export class ModelWeights {
  private readonly files: readonly SafetensorsFile[];
  private readonly places: ReadonlyMap<string, Place>;

  private constructor(files: readonly SafetensorsFile[], places: ReadonlyMap<string, Place>) {
    this.files = files;
    this.places = places;
  }

  /**
   * Opens and checks every weight file.
   * @param rename gives the name to use in place of that in the files
   * @throws ScaloraError `model` or `format`
   */
  static open(folder: string, rename: (stored: string) => string = (stored) => stored): ModelWeights {
    const files: SafetensorsFile[] = [];
    try {
      const index = existsSync(join(folder, indexName)) ? readIndex(folder) : undefined;
      const names = index === undefined ? [singleFile(folder)] : [...new Set(index.values())].sort();
      for (const name of names) files.push(SafetensorsFile.open(join(folder, name)));
      const owners = collectOwners(files);
      if (index !== undefined) checkIndex(folder, index, owners);
      const places = [...owners].map(([stored, file]) => [rename(stored), { file, stored }] as const);
      return new ModelWeights(files, new Map(places));
    } catch (error) {
      for (const file of files) file.dispose();
      throw error;
    }
  }

  names(): IterableIterator<string> {
    return this.places.keys();
  }

  has(name: string): boolean {
    return this.places.has(name);
  }

  entry(name: string): SafetensorsEntry {
    const { file, stored } = this.place(name);
    return file.entry(stored);
  }

  /** The file's own tensor, mapped (see `SafetensorsFile.tensor`). */
  tensor(name: string): Tensor {
    const { file, stored } = this.place(name);
    return file.tensor(stored);
  }

  dispose(): void {
    for (const file of this.files) file.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private place(name: string): Place {
    const place = this.places.get(name);
    if (place === undefined) {
      const near = nearest(name, this.places.keys());
      throw new ScaloraError("model", `The model's files have no tensor ${JSON.stringify(name)}`, {
        where: this.files.map(({ path }) => path).join(", "),
        ...(near === undefined ? {} : { found: `the nearest name there is ${JSON.stringify(near)}` }),
      });
    }
    return place;
  }
}

function singleFile(folder: string): string {
  if (existsSync(join(folder, weightsName))) return weightsName;
  const pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"].find((name) =>
    existsSync(join(folder, name)),
  );
  throw new ScaloraError("model", "The model folder has no safetensors weights", {
    where: folder,
    expected: `${weightsName} or ${indexName}`,
    ...(pickled === undefined
      ? {}
      : { found: pickled, fix: "convert the pickled weights to safetensors first" }),
  });
}

function readIndex(folder: string): Map<string, string> {
  const path = join(folder, indexName);
  const map = readJsonObject(path, "format").get("weight_map");
  if (!(map instanceof Map)) throw new ScaloraError("format", "The index has no weight_map", { where: path });
  const index = new Map<string, string>();
  for (const [name, file] of map) {
    if (typeof file !== "string" || file !== basename(file) || !file.endsWith(".safetensors")) {
      throw new ScaloraError(
        "format",
        "The index names a file that is not a safetensors file of this folder",
        {
          where: `${path}, tensor ${JSON.stringify(name)}`,
          found: JSON.stringify(plainJson(file)),
        },
      );
    }
    index.set(name, file);
  }
  return index;
}

function collectOwners(files: readonly SafetensorsFile[]): Map<string, SafetensorsFile> {
  const owners = new Map<string, SafetensorsFile>();
  for (const file of files) {
    for (const name of file.header.entries.keys()) {
      const other = owners.get(name);
      if (other !== undefined) {
        throw new ScaloraError("format", `Two shards hold the tensor ${JSON.stringify(name)}`, {
          where: `${other.path}, ${file.path}`,
        });
      }
      owners.set(name, file);
    }
  }
  return owners;
}

function checkIndex(
  folder: string,
  index: ReadonlyMap<string, string>,
  owners: ReadonlyMap<string, SafetensorsFile>,
): void {
  for (const [name, file] of index) {
    const owner = owners.get(name);
    if (owner !== undefined && basename(owner.path) === file) continue;
    throw new ScaloraError(
      "format",
      `The shard that the index names does not hold the tensor ${JSON.stringify(name)}`,
      {
        where: join(folder, indexName),
        expected: `it in ${file}`,
        found: owner === undefined ? "it in no shard" : `it in ${basename(owner.path)}`,
      },
    );
  }
}

export interface ModelFolderContent {
  config: JsonObject;
  weights: readonly (readonly [string, TensorSource])[];
  /** Tokenizer, generation and licence files are copied from here. */
  companions: string;
}

/**
 * Writes a Hugging Face model folder, complete or not at all: config, weights (shards of at most `maxShardBytes` with
 * an index, or one file), and the source's tokenizer files.
 */
export function writeModelFolder(folder: string, content: ModelFolderContent, maxShardBytes = 5e9): void {
  writeFolderAtomic(folder, (temporary) => {
    writeFileAtomic(join(temporary, "config.json"), `${formatJson(content.config)}\n`);
    for (const name of companionFiles) {
      const source = join(content.companions, name);
      if (existsSync(source)) copyFileSync(source, join(temporary, name));
    }
    writeWeights(temporary, content.weights, maxShardBytes);
  });
}

function writeWeights(folder: string, weights: ModelFolderContent["weights"], maxShardBytes: number): void {
  const shards = splitShards(weights, maxShardBytes);
  const metadata = { format: "pt" };
  if (shards.length === 1) {
    writeSafetensors(join(folder, weightsName), shards[0], metadata);
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
      total += sourceBytes(source);
    }
  }
  const index = `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": ${formatJson(map, "  ")}\n}\n`;
  writeFileAtomic(join(folder, indexName), index);
}

function splitShards(
  weights: ModelFolderContent["weights"],
  maxBytes: number,
): (readonly [string, TensorSource])[][] {
  let shard: (readonly [string, TensorSource])[] = [];
  const shards = [shard];
  let bytes = 0;
  for (const item of weights) {
    const size = sourceBytes(item[1]);
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
