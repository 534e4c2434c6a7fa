import { basename } from "node:path";
import { fromData, MappedFile, scope } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { ScaloraError } from "../../util/errors.ts";
import { formatShape } from "../../util/format.ts";
import { type MetadataItem, stringArrayItem, stringItem, uint32Item } from "../encode-metadata.ts";
import { ggufFormatError } from "../format-error.ts";
import { type GgufHeader, readGgufHeader } from "../header.ts";
import { tensorTypeByName } from "../tensor-types.ts";
import { type GgufTensorSource, writeGguf } from "../write-gguf.ts";
import type { NamedShape } from "./choose-types.ts";

/** An importance matrix: which columns of each matrix matter, by its inputs on some text. */
export interface Imatrix {
  /** The file, by its name alone. */
  readonly file: string;
  readonly dataset: string | undefined;
  /** Number of pieces of text that it was computed on. */
  readonly chunks: number;
  /** Mean squares of the inputs of each matrix, by its name in GGUF files. */
  readonly means: ReadonlyMap<string, Float32Array>;
}

/** What `writeImatrix` writes. */
export interface CollectedInputs {
  /** Where the text came from. */
  readonly dataset: string;
  /** Sums of squares over the tokens, by the name of the matrix in GGUF files. */
  readonly sums: ReadonlyMap<string, Float64Array>;
  readonly tokens: number;
}

/** llama.cpp's tools count text in pieces of this many tokens. */
const chunkTokens = 512;
const [sumSuffix, countSuffix] = [".in_sum2", ".counts"];

/** The importance matrix that `readImatrix` makes of what `writeImatrix` writes. */
export function imatrixOf(path: string, { dataset, sums, tokens }: CollectedInputs): Imatrix {
  const means = new Map<string, Float32Array>();
  for (const [name, values] of sums)
    means.set(
      name,
      Float32Array.from(values).map((sum) => sum / tokens),
    );
  return { file: basename(path), dataset, chunks: chunksOf(tokens), means };
}

const chunksOf = (tokens: number) => Math.ceil(tokens / chunkTokens);

/** Writes an importance matrix as `llama-imatrix` does: `llama-quantize --imatrix` reads it. */
export function writeImatrix(path: string, { dataset, sums, tokens }: CollectedInputs): void {
  const metadata: MetadataItem[] = [
    stringItem("general.type", "imatrix"),
    stringArrayItem("imatrix.datasets", [dataset]),
    uint32Item("imatrix.chunk_count", chunksOf(tokens)),
    uint32Item("imatrix.chunk_size", chunkTokens),
  ];
  const type = tensorTypeByName("F32");
  const source = (name: string, values: Float32Array): GgufTensorSource => {
    const shape = [1, values.length];
    return { name, type, shape, load: () => fromData(values, shape, { device: "cpu" }) };
  };
  const tensors = [...sums].flatMap(([name, values]) => [
    source(`${name}${sumSuffix}`, Float32Array.from(values)),
    source(`${name}${countSuffix}`, Float32Array.of(tokens)),
  ]);
  writeGguf(path, metadata, tensors);
}

/**
 * Reads an importance matrix in llama.cpp's GGUF format.
 * @throws ScaloraError `format`, naming the file and the tensor
 */
export function readImatrix(path: string): Imatrix {
  const header = readGgufHeader(path);
  const { metadata, tensors } = header;
  if (metadata.string("general.type") !== "imatrix")
    throw ggufFormatError(path, "This file is not an importance matrix", {
      expected: "a GGUF file of type imatrix, as llama-imatrix and scalora write",
      found: `type ${metadata.string("general.type") ?? "none"}`,
    });
  using map = new MappedFile(path);
  const means = new Map<string, Float32Array>();
  for (const stored of tensors.keys()) {
    if (!stored.endsWith(sumSuffix)) continue;
    const name = stored.slice(0, -sumSuffix.length);
    const sums = valuesOf(header, map, stored);
    const counts = valuesOf(header, map, `${name}${countSuffix}`);
    means.set(name, meansOf(`${path}, tensor ${JSON.stringify(stored)}`, sums, counts));
  }
  const [dataset] = metadata.strings("imatrix.datasets") ?? [];
  return { file: basename(path), dataset, chunks: metadata.count("imatrix.chunk_count") ?? 0, means };
}

function valuesOf({ path, tensors }: GgufHeader, map: MappedFile, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (tensor?.type.name === "F32")
    return scope(() => Float32Array.from(map.tensor(tensor.begin, tensor.shape, "float32").toFloats()));
  throw ggufFormatError(
    `${path}, tensor ${JSON.stringify(name)}`,
    "A tensor of the importance matrix cannot be used",
    {
      expected: "sums and counts in F32 for each matrix",
      found: tensor === undefined ? "none" : tensor.type.name,
    },
  );
}

function meansOf(where: string, sums: Float32Array, counts: Float32Array): Float32Array {
  if (counts.length !== 1)
    throw ggufFormatError(where, "An importance matrix of experts is not supported", {
      expected: "one count",
      found: `${counts.length}`,
    });
  const count = elementAt(counts, 0);
  const means = sums.map((sum) => (count > 0 ? sum / count : 1));
  const wrong = means.find((mean) => !(mean >= 0 && Number.isFinite(mean)));
  if (wrong === undefined) return means;
  throw ggufFormatError(where, "The importance matrix has an impossible mean square", {
    expected: "finite numbers that are not negative",
    found: `${wrong}`,
  });
}

/** Bytes that llama.cpp keeps of a text. */
const keptBytes = 127;
const shortened = (text: string) => Buffer.from(text).subarray(0, keptBytes).toString();

/** The keys that tell how a file was quantised. */
export function imatrixItems({ file, dataset, chunks, means }: Imatrix): MetadataItem[] {
  return [
    stringItem("quantize.imatrix.file", shortened(file)),
    ...(dataset === undefined ? [] : [stringItem("quantize.imatrix.dataset", shortened(dataset))]),
    uint32Item("quantize.imatrix.entries_count", means.size),
    ...(chunks > 0 ? [uint32Item("quantize.imatrix.chunks_count", chunks)] : []),
  ];
}

/** @throws ScaloraError `usage` for an importance matrix of another model */
export function checkImatrix({ file, means }: Imatrix, tensors: readonly NamedShape[]): void {
  const matrices = tensors.filter(({ shape }) => shape.length > 1);
  const matched = matrices.filter(({ name }) => means.has(name));
  const misfit = matched.find(({ name, shape }) => means.get(name)?.length !== shape.at(-1));
  if (misfit === undefined && matched.length > 0) return;
  throw new ScaloraError("usage", "The importance matrix belongs to another model", {
    where: file,
    expected: misfit
      ? `${misfit.shape.at(-1)} numbers for ${misfit.name} ${formatShape(misfit.shape)}`
      : `entries for its matrices, such as ${matrices.at(-1)?.name}`,
    found: misfit ? `${means.get(misfit.name)?.length}` : `${[...means.keys()][0] ?? "none"}, …`,
  });
}
