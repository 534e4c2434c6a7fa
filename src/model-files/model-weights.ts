import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { ggufWeights, isGgufFile, type WeightEntry } from "../gguf/index.ts";
import { SafetensorsFile } from "../safetensors/index.ts";
import type { Tensor } from "../torch/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { readJsonObject } from "../util/json-file.ts";
import { nearestName } from "../util/nearest-name.ts";
import { toPlainValue } from "../util/strict-json.ts";

/** File names of a folder's weights: all in one file, or the index of its shards. */
export const weightsFileName = "model.safetensors";
export const indexFileName = "model.safetensors.index.json";

/** A file of weights. */
interface WeightFile extends Disposable {
  readonly path: string;
  readonly entries: ReadonlyMap<string, WeightEntry>;
  tensor(name: string): Tensor;
  /** See `ModelWeights.tensorAlone`. */
  tensorAlone?(name: string): Tensor;
  /** See `ModelWeights.q8Blocks`. */
  q8Blocks?(name: string): Tensor | undefined;
}

/** Location of a tensor. */
interface TensorLocation {
  file: WeightFile;
  /** Its name in the file. */
  nameInFile: string;
  entry: WeightEntry;
}

/** The weights of a model: one safetensors file, shards with their index, or a GGUF file. */
export class ModelWeights implements Disposable {
  private readonly files: readonly WeightFile[];
  private readonly locations: ReadonlyMap<string, TensorLocation>;

  private constructor(files: readonly WeightFile[], places: ReadonlyMap<string, TensorLocation>) {
    this.files = files;
    this.locations = places;
  }

  /**
   * Opens and checks every weight file.
   * @param rename maps a tensor's name in the files to its name in the model
   * @throws ScaloraError `model` or `format`
   */
  static open(folder: string, rename: (stored: string) => string = (stored) => stored): ModelWeights {
    const files: WeightFile[] = [];
    try {
      const owners = isGgufFile(folder) ? openGguf(folder, files) : openSafetensors(folder, files);
      return new ModelWeights(files, locateTensors(owners, rename));
    } catch (error) {
      for (const file of files) file[Symbol.dispose]();
      throw error;
    }
  }

  names(): IterableIterator<string> {
    return this.locations.keys();
  }

  has(name: string): boolean {
    return this.locations.has(name);
  }

  entry(name: string): WeightEntry {
    return this.location(name).entry;
  }

  /** Path of the file that holds a tensor. */
  fileOf(name: string): string {
    return this.location(name).file.path;
  }

  /** A tensor: mapped from a safetensors file (see `SafetensorsFile.tensor`), or read from a GGUF file and dequantised. */
  tensor(name: string): Tensor {
    const { file, nameInFile } = this.location(name);
    return file.tensor(nameInFile);
  }

  /** `tensor`, whose pages leave the memory of this process when it is disposed, not when the file is. */
  tensorAlone(name: string): Tensor {
    const { file, nameInFile } = this.location(name);
    return file.tensorAlone?.(nameInFile) ?? file.tensor(nameInFile);
  }

  /** A matrix in Q8_0 as its blocks, uint8 `[out, in / 32 * 34]`; undefined where the file does not hold it so. */
  q8Blocks(name: string): Tensor | undefined {
    const { file, nameInFile } = this.location(name);
    return file.q8Blocks?.(nameInFile);
  }

  dispose(): void {
    for (const file of this.files) file[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private location(name: string): TensorLocation {
    const place = this.locations.get(name);
    if (place === undefined) {
      const near = nearestName(name, this.locations.keys());
      throw new ScaloraError("model", `The model's files have no tensor ${JSON.stringify(name)}`, {
        where: this.files.map(({ path }) => path).join(", "),
        ...(near === undefined ? {} : { found: `the nearest name there is ${JSON.stringify(near)}` }),
      });
    }
    return place;
  }
}

type FileByTensor = ReadonlyMap<string, WeightFile>;

function locateTensors(
  owners: FileByTensor,
  rename: (stored: string) => string,
): Map<string, TensorLocation> {
  const places = new Map<string, TensorLocation>();
  for (const [stored, file] of owners) {
    const entry = file.entries.get(stored);
    if (entry !== undefined) places.set(rename(stored), { file, nameInFile: stored, entry });
  }
  return places;
}

function openGguf(path: string, files: WeightFile[]): FileByTensor {
  files.push(ggufWeights(path));
  return mapTensorsToFiles(files);
}

function openSafetensors(folder: string, files: WeightFile[]): FileByTensor {
  const index = existsSync(join(folder, indexFileName)) ? readIndex(folder) : undefined;
  const names = index === undefined ? [singleFile(folder)] : [...new Set(index.values())].sort();
  for (const name of names) files.push(SafetensorsFile.open(join(folder, name)));
  const owners = mapTensorsToFiles(files);
  if (index !== undefined) checkIndex(folder, index, owners);
  return owners;
}

function singleFile(folder: string): string {
  if (existsSync(join(folder, weightsFileName))) return weightsFileName;
  const pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"].find((name) =>
    existsSync(join(folder, name)),
  );
  throw new ScaloraError("model", "The model folder has no safetensors weights", {
    where: folder,
    expected: `${weightsFileName} or ${indexFileName}`,
    ...(pickled === undefined
      ? {}
      : { found: pickled, fix: "convert the pickled weights to safetensors first" }),
  });
}

function readIndex(folder: string): Map<string, string> {
  const path = join(folder, indexFileName);
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
          found: JSON.stringify(toPlainValue(file)),
        },
      );
    }
    index.set(name, file);
  }
  return index;
}

function mapTensorsToFiles(files: readonly WeightFile[]): FileByTensor {
  const owners = new Map<string, WeightFile>();
  for (const file of files) {
    for (const name of file.entries.keys()) {
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

function checkIndex(folder: string, index: ReadonlyMap<string, string>, owners: FileByTensor): void {
  for (const [name, file] of index) {
    const owner = owners.get(name);
    if (owner !== undefined && basename(owner.path) === file) continue;
    throw new ScaloraError(
      "format",
      `The shard that the index names does not hold the tensor ${JSON.stringify(name)}`,
      {
        where: join(folder, indexFileName),
        expected: `it in ${file}`,
        found: owner === undefined ? "it in no shard" : `it in ${basename(owner.path)}`,
      },
    );
  }
}
