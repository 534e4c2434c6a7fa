import { elementAt } from "../../util/elements.ts";
import { type TensorType, tensorTypeByName } from "../tensor-types.ts";
import { type FileType, fileTypes, isQuantisedFileType } from "./file-types.ts";

/** A tensor by its name in the file. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Tensors whose rows do not divide into the blocks of the type that they were meant to have. */
export interface Fallback {
  readonly wanted: string;
  readonly stored: string;
  readonly tensors: number;
  /** Values in a row. */
  readonly rowLength: number;
}

export interface ChosenTypes {
  /** By name. */
  readonly types: ReadonlyMap<string, TensorType>;
  readonly fallbacks: readonly Fallback[];
}

/** What the choice depends on, besides the tensors. */
export interface ModelFacts {
  /** `general.architecture` */
  readonly architecture: string;
  readonly layers: number;
  /** Whether several query heads share a key head. */
  readonly groupedHeads: boolean;
  readonly hasImatrix: boolean;
}

/** What stands in for a type whose blocks do not fit a row. */
const smallerBlocks: ReadonlyMap<string, string> = new Map([
  ["Q4_K", "Q5_0"],
  ["Q5_K", "Q5_1"],
  ["Q6_K", "Q8_0"],
]);

/**
 * The type of each tensor in a file, as `llama-quantize` chooses it (llama-quant.cpp): vectors stay F32, and the mixtures give
 * more bits to the output, to the values of attention and to the last matrix of the MLP, in some of the layers.
 * @param tensors in the order of the file
 */
export function chooseTypes(
  fileType: FileType,
  tensors: readonly NamedShape[],
  facts: ModelFacts,
): ChosenTypes {
  const mixture = new Mixture(fileType, tensors, facts);
  const types = new Map<string, TensorType>();
  const fallbacks = new Map<string, Fallback>();
  for (const tensor of tensors) {
    const wanted = tensor.shape.length < 2 ? "F32" : mixture.typeOf(tensor);
    const type = tensorTypeByName(fittingType(wanted, rowLengthOf(tensor)));
    types.set(tensor.name, type);
    if (type.name === wanted) continue;
    const fallback = { wanted, stored: type.name, rowLength: rowLengthOf(tensor) };
    const key = JSON.stringify(fallback);
    fallbacks.set(key, { ...fallback, tensors: 1 + (fallbacks.get(key)?.tensors ?? 0) });
  }
  return { types, fallbacks: [...fallbacks.values()] };
}

const rowLengthOf = ({ shape }: NamedShape) => elementAt(shape, shape.length - 1);

const fits = (type: string, rowLength: number) => rowLength % tensorTypeByName(type).blockSize === 0;

function fittingType(wanted: string, rowLength: number): string {
  if (fits(wanted, rowLength)) return wanted;
  const smaller = smallerBlocks.get(wanted) ?? wanted;
  return fits(smaller, rowLength) ? smaller : "F16";
}

/** Gives the tensors of a file their types, one after another. */
class Mixture {
  private readonly fileType: FileType;
  private readonly facts: ModelFacts;
  private readonly tiedEmbeddings: boolean;
  private readonly valueMatrices: number;
  private valuesSeen = 0;
  private downsSeen = 0;

  constructor(fileType: FileType, tensors: readonly NamedShape[], facts: ModelFacts) {
    this.fileType = fileType;
    this.facts = facts;
    this.tiedEmbeddings = !tensors.some(({ name }) => name === "output.weight");
    this.valueMatrices = tensors.filter(isValueMatrix).length;
  }

  /** The type that a matrix is meant to have; its rows may not divide into the blocks. */
  typeOf(tensor: NamedShape): string {
    const { type } = fileTypes[this.fileType];
    if (!isQuantisedFileType(this.fileType)) return type;
    if (this.isOutput(tensor.name)) return type === "Q8_0" ? type : "Q6_K";
    if (isValueMatrix(tensor)) return this.valueType(type);
    if (/\.ffn_down\.weight$/.test(tensor.name)) return this.downType(type);
    return type;
  }

  /** The embedding is the output where the file has no other. */
  private isOutput(name: string): boolean {
    return name === "output.weight" || (this.tiedEmbeddings && name === "token_embd.weight");
  }

  private valueType(usual: string): string {
    const matrix = this.valuesSeen++;
    if (this.isMedium() && getsMoreBits(matrix, this.valueMatrices)) return "Q6_K";
    return usual === "Q4_K" && isSeventyB(this.facts) ? "Q5_K" : usual;
  }

  private downType(usual: string): string {
    const layer = this.downsSeen++;
    const { layers, hasImatrix } = this.facts;
    if (this.isMedium() && getsMoreBits(layer, layers)) return "Q6_K";
    return this.fileType === "Q4_0" && hasImatrix && layer < Math.floor(layers / 8) ? "Q4_1" : usual;
  }

  /** The mixtures whose name ends in M. */
  private isMedium(): boolean {
    return this.fileType === "Q4_K_M" || this.fileType === "Q5_K_M";
  }
}

const isValueMatrix = ({ name }: NamedShape) => name.endsWith("attn_v.weight");

/** The first and last eighth, and every third in between. */
function getsMoreBits(index: number, count: number): boolean {
  const eighth = Math.floor(count / 8);
  return index < eighth || index >= Math.floor((7 * count) / 8) || (index - eighth) % 3 === 2;
}

/** The models of 80 layers whose values llama.cpp gives more bits: they are shared by eight query heads. */
const isSeventyB = ({ architecture, layers, groupedHeads }: ModelFacts) =>
  layers === 80 && ((architecture === "llama" && groupedHeads) || architecture === "qwen2");
