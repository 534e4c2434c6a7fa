import { fromData, type Tensor, toDType } from "../torch/index.ts";
import { internalError } from "../util/errors.ts";
import { type Architecture, architectures, toGgufName, weightConversion } from "./architectures.ts";
import { type MetadataItem, stringItem, uint32Item } from "./encode-metadata.ts";
import type { GgufDescription } from "./model-description.ts";
import { type ChosenTypes, chooseTypes } from "./quantise/choose-types.ts";
import { type FileType, fileTypes } from "./quantise/file-types.ts";
import { checkImatrix, type Imatrix, imatrixItems } from "./quantise/imatrix.ts";
import { tensorTypeByName } from "./tensor-types.ts";
import { toGguf } from "./weight-layout.ts";
import { ropeFactorsName } from "./weights.ts";
import { type GgufTensorSource, type OnStored, writeGguf } from "./write-gguf.ts";
import { type TokenizerToWrite, tokenizerItems } from "./write-tokenizer.ts";

/** A parameter of the model, loaded when it is written. */
export interface LazyParameter {
  readonly name: string;
  readonly shape: readonly number[];
  load(): Tensor;
}

/** A model to be written to a GGUF file. */
export interface GgufModel {
  readonly description: GgufDescription;
  readonly tokenizer: TokenizerToWrite;
  /** `general.name`, which tools show. */
  readonly title: string;
  readonly fileType: FileType;
  readonly parameters: readonly LazyParameter[];
  /** By which the rounding errors of quantised matrices are weighed. */
  readonly imatrix?: Imatrix | undefined;
}

/**
 * Writes a model as a GGUF file, atomically. Tensors and keys are in the order in which `llama-quantize` writes them, so that the
 * file equals what it makes of the same model in F32.
 * @param onStored see there
 * @throws ScaloraError `usage` for a tokenizer that GGUF cannot represent, `run` when the file cannot be written, `model` for a
 * weight that is not finite
 */
export function writeGgufModel(path: string, model: GgufModel, onStored?: OnStored): ChosenTypes {
  const { description, tokenizer, title, fileType, parameters, imatrix } = model;
  const { architecture } = description;
  const rows = parameters.find((parameter) => parameter.name === "model.embed_tokens.weight")?.shape[0] ?? 0;
  const metadata: MetadataItem[] = [
    stringItem("general.architecture", architecture),
    stringItem("general.type", "model"),
    stringItem("general.name", title),
    ...description.metadata,
    ...tokenizerItems(tokenizer, rows),
    uint32Item("general.quantization_version", 2),
    uint32Item("general.file_type", fileTypes[fileType].id),
    ...(imatrix ? imatrixItems(imatrix) : []),
  ];
  const tensors = [...ropeFactorsTensor(description), ...parameters.map(inFormat(description))].sort(byLayer);
  if (imatrix) checkImatrix(imatrix, tensors);
  const chosen = chooseTypes(fileType, tensors, {
    architecture,
    layers: 1 + Math.max(...tensors.map(layerOf)),
    groupedHeads: description.heads.query !== description.heads.key,
    hasImatrix: imatrix !== undefined,
  });
  const typed = tensors.map((tensor) => ({
    ...tensor,
    type: chosen.types.get(tensor.name) ?? tensorTypeByName("F32"),
    importance: imatrix?.means.get(tensor.name),
  }));
  writeGguf(path, metadata, typed, onStored);
  return chosen;
}

/** The layer of a tensor; -1 for one outside the layers. */
const layerOf = ({ name }: { readonly name: string }) => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);

function byLayer(a: UntypedTensor, b: UntypedTensor): number {
  return layerOf(a) - layerOf(b) || (a.name < b.name ? -1 : 1);
}

/** @throws an internal error for a name that the table lacks */
export function requireArchitecture(name: string): Architecture {
  const architecture = architectures.get(name);
  if (architecture === undefined) throw internalError(`no GGUF architecture ${name}`);
  return architecture;
}

type UntypedTensor = Pick<GgufTensorSource, "name" | "shape" | "load">;

/** Makes parameters tensors of the file: under its names, and in its conventions. */
function inFormat({
  architecture: name,
  heads,
}: GgufDescription): (parameter: LazyParameter) => UntypedTensor {
  const architecture = requireArchitecture(name);
  return ({ name: parameter, shape, load }) => {
    const stored = toGgufName(architecture, parameter);
    if (stored === undefined) throw internalError(`GGUF has no name for ${parameter}`);
    const convention = weightConversion(architecture, parameter);
    return { name: stored, shape, load: () => toGguf(toDType(load(), "float32"), convention, heads) };
  };
}

function ropeFactorsTensor({ ropeFactors: factors }: GgufDescription): UntypedTensor[] {
  if (factors === undefined) return [];
  const shape = [factors.length];
  const load = () => fromData(Float32Array.from(factors), shape, { device: "cpu" });
  return [{ name: ropeFactorsName, shape, load }];
}
