import { fromData, reshape, scope, type Tensor, toDType } from "../torch/index.ts";
import { internalError } from "../util/errors.ts";
import { type Architecture, architectures, conventionOf, storedName } from "./architectures.ts";
import { dequantise } from "./blocks.ts";
import { type Heads, toFormat } from "./conventions.ts";
import type { GgufDescription } from "./description.ts";
import { encodeTensor, storedType, type WritableType } from "./encode.ts";
import { count, type MetadataItem, text } from "./metadata-items.ts";
import { tensorType } from "./types.ts";
import { ropeFactors } from "./weights.ts";
import { type GgufSource, writeGguf } from "./write.ts";
import { tokenizerItems } from "./write-tokenizer.ts";

/** A parameter of the model, made when its turn comes. */
export interface StoredParameter {
  readonly name: string;
  readonly shape: readonly number[];
  load(): Tensor;
}

/** `general.file_type` (llama.cpp, `llama_ftype`). */
const fileTypes: Readonly<Record<WritableType, number>> = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 };

/**
 * Writes a whole model as a GGUF file, complete or not at all.
 * @param source the model folder or GGUF file whose tokenizer and chat template it gets
 * @param title what tools show as its name
 * @throws ScaloraError `usage` for a tokenizer that the format cannot hold, `run` when the file cannot be written
 */
export function writeGgufModel(
  path: string,
  {
    description,
    source,
    title,
    type,
    parameters,
  }: {
    description: GgufDescription;
    source: string;
    title: string;
    type: WritableType;
    parameters: readonly StoredParameter[];
  },
): void {
  const { architecture: name, heads } = description;
  const architecture = knownArchitecture(name);
  const rows = parameters.find((parameter) => parameter.name === "model.embed_tokens.weight")?.shape[0] ?? 0;
  const metadata: MetadataItem[] = [
    text("general.architecture", name),
    text("general.type", "model"),
    text("general.name", title),
    count("general.quantization_version", 2),
    count("general.file_type", fileTypes[type]),
    ...description.metadata,
    ...tokenizerItems(source, rows),
  ];
  const tensors = parameters.map((parameter) => sourceOf(parameter, architecture, heads, type));
  writeGguf(path, metadata, [...factorTensor(description), ...tensors]);
}

/** @throws an internal error for a name that the table lacks */
export function knownArchitecture(name: string): Architecture {
  const architecture = architectures.get(name);
  if (architecture === undefined) throw internalError(`no GGUF architecture ${name}`);
  return architecture;
}

function sourceOf(
  { name, shape, load }: StoredParameter,
  architecture: Architecture,
  heads: Heads,
  type: WritableType,
): GgufSource {
  const stored = storedName(architecture, name);
  if (stored === undefined) throw internalError(`GGUF has no name for ${name}`);
  const convention = conventionOf(architecture, name);
  const inFormat = () => toFormat(toDType(load(), "float32"), convention, heads);
  return { name: stored, type: storedType(type, shape), shape, load: inFormat };
}

function factorTensor({ ropeFactors: factors }: GgufDescription): GgufSource[] {
  if (factors === undefined) return [];
  const shape = [factors.length];
  const load = () => fromData(Float32Array.from(factors), shape);
  return [{ name: ropeFactors, type: tensorType("F32"), shape, load }];
}

/** The numbers of a parameter after they were written as the type and read again, in float32. */
export function roundedAsStored(tensor: Tensor, wanted: WritableType): Tensor {
  const type = storedType(wanted, tensor.shape);
  if (type.name === "F32") return toDType(tensor, "float32");
  if (type.name !== "Q8_0")
    return toDType(toDType(tensor, type.name === "F16" ? "float16" : "bfloat16"), "float32");
  return scope(() => {
    const numbers = dequantise(type, encodeTensor(tensor, type));
    return reshape(fromData(numbers, [numbers.length]), tensor.shape);
  });
}
