import { fromData, reshape, scope, type Tensor, toDType } from "../torch/index.ts";
import { internalError } from "../util/errors.ts";
import { type Architecture, architectures, toGgufName, weightConversion } from "./architectures.ts";
import { dequantise } from "./dequantise.ts";
import { type MetadataItem, stringItem, uint32Item } from "./encode-metadata.ts";
import { encodeTensor, tensorTypeFor, type WritableType } from "./encode-tensor.ts";
import type { GgufDescription } from "./model-description.ts";
import { tensorTypeByName } from "./tensor-types.ts";
import { type HeadCounts, toGguf } from "./weight-layout.ts";
import { ropeFactorsName } from "./weights.ts";
import { type GgufTensorSource, writeGguf } from "./write-gguf.ts";
import { type TokenizerToWrite, tokenizerItems } from "./write-tokenizer.ts";

/** A parameter of the model, loaded when it is written. */
export interface LazyParameter {
  readonly name: string;
  readonly shape: readonly number[];
  load(): Tensor;
}

/** `general.file_type` (llama.cpp, `llama_ftype`). */
const fileTypes: Readonly<Record<WritableType, number>> = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 };

/** A model to be written to a GGUF file. */
export interface GgufModel {
  readonly description: GgufDescription;
  readonly tokenizer: TokenizerToWrite;
  /** `general.name`, which tools show. */
  readonly title: string;
  /** Tensor type of the matrices. */
  readonly type: WritableType;
  readonly parameters: readonly LazyParameter[];
}

/**
 * Writes a model as a GGUF file, atomically.
 * @throws ScaloraError `usage` for a tokenizer that GGUF cannot represent, `run` when the file cannot be written
 */
export function writeGgufModel(
  path: string,
  { description, tokenizer, title, type, parameters }: GgufModel,
): void {
  const { architecture: name, heads } = description;
  const architecture = requireArchitecture(name);
  const rows = parameters.find((parameter) => parameter.name === "model.embed_tokens.weight")?.shape[0] ?? 0;
  const metadata: MetadataItem[] = [
    stringItem("general.architecture", name),
    stringItem("general.type", "model"),
    stringItem("general.name", title),
    uint32Item("general.quantization_version", 2),
    uint32Item("general.file_type", fileTypes[type]),
    ...description.metadata,
    ...tokenizerItems(tokenizer, rows),
  ];
  const tensors = parameters.map((parameter) => parameterTensor(parameter, architecture, heads, type));
  writeGguf(path, metadata, [...ropeFactorsTensor(description), ...tensors]);
}

/** @throws an internal error for a name that the table lacks */
export function requireArchitecture(name: string): Architecture {
  const architecture = architectures.get(name);
  if (architecture === undefined) throw internalError(`no GGUF architecture ${name}`);
  return architecture;
}

function parameterTensor(
  { name, shape, load }: LazyParameter,
  architecture: Architecture,
  heads: HeadCounts,
  type: WritableType,
): GgufTensorSource {
  const stored = toGgufName(architecture, name);
  if (stored === undefined) throw internalError(`GGUF has no name for ${name}`);
  const convention = weightConversion(architecture, name);
  const inFormat = () => toGguf(toDType(load(), "float32"), convention, heads);
  return { name: stored, type: tensorTypeFor(type, shape), shape, load: inFormat };
}

function ropeFactorsTensor({ ropeFactors: factors }: GgufDescription): GgufTensorSource[] {
  if (factors === undefined) return [];
  const shape = [factors.length];
  const load = () => fromData(Float32Array.from(factors), shape, { device: "cpu" });
  return [{ name: ropeFactorsName, type: tensorTypeByName("F32"), shape, load }];
}

/** A parameter's values after a round trip through the type, in float32. */
export function roundToStoredType(tensor: Tensor, wanted: WritableType): Tensor {
  const type = tensorTypeFor(wanted, tensor.shape);
  if (type.name === "F32") return toDType(tensor, "float32");
  if (type.name !== "Q8_0")
    return toDType(toDType(tensor, type.name === "F16" ? "float16" : "bfloat16"), "float32");
  return scope(() => {
    const numbers = dequantise(type, encodeTensor(tensor, type));
    return reshape(fromData(numbers, [numbers.length], { device: tensor.device }), tensor.shape);
  });
}
