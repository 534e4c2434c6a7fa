import { statSync } from "node:fs";
import { copy_, empty, fromData, MappedFile, narrow, reshape, scope, type Tensor } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { internalError } from "../util/errors.ts";
import { formatShape } from "../util/format.ts";
import {
  type Architecture,
  toHuggingFaceName,
  type WeightConversion,
  weightConversion,
} from "./architectures.ts";
import { dequantise, isQuantised } from "./dequantise.ts";
import { ggufFormatError } from "./format-error.ts";
import type { GgufHeader, GgufTensor } from "./header.ts";
import { fromGguf, type HeadCounts } from "./weight-layout.ts";

/** Shape and dtype of a tensor; `dtype` as safetensors files name it. */
export interface WeightEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Values that are dequantised at a time: few enough that what is copied stays in the processor's cache. */
const chunkElements = 1 << 17;

/** The tensors of a GGUF file under their Hugging Face names and in Hugging Face's conventions. */
export class GgufWeights implements Disposable {
  readonly path: string;
  readonly entries: ReadonlyMap<string, WeightEntry>;
  private readonly locations = new Map<string, GgufTensor>();
  private readonly map: MappedFile;
  private readonly size: number;
  private readonly architecture: Architecture;
  private readonly heads: HeadCounts;

  constructor({ path, size, tensors }: GgufHeader, architecture: Architecture, heads: HeadCounts) {
    this.path = path;
    this.size = size;
    this.architecture = architecture;
    this.heads = heads;
    const entries = new Map<string, WeightEntry>();
    for (const [stored, tensor] of tensors) {
      if (stored === ropeFactorsName) continue;
      const name = toHuggingFaceName(architecture, stored);
      this.locations.set(name, tensor);
      entries.set(name, { dtype: isQuantised(tensor.type) ? "F32" : tensor.type.name, shape: tensor.shape });
    }
    this.entries = entries;
    this.map = new MappedFile(path);
  }

  /** A tensor, in float32 where it was quantised, else in its own dtype. It stays valid after `dispose` of this object. */
  tensor(name: string): Tensor {
    const { location, convention } = this.locate(name);
    return scope(() => {
      const stored = isQuantised(location.type)
        ? this.dequantisedTensor(location)
        : this.mappedTensor(location);
      return fromGguf(stored, convention, this.heads);
    });
  }

  dispose(): void {
    this.map.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** A matrix in Q8_0 as its blocks, uint8 `[out, in / 32 * 34]`, with Hugging Face's order of rows; undefined for any other. */
  q8Blocks(name: string): Tensor | undefined {
    const { location, convention } = this.locate(name);
    const { type, shape, begin, byteLength } = location;
    if (type.name !== "Q8_0" || shape.length !== 2) return undefined;
    const rows = elementAt(shape, 0);
    return scope(() =>
      fromGguf(this.map.tensor(begin, [rows, byteLength / rows], "uint8"), convention, this.heads),
    );
  }

  private locate(name: string): { location: GgufTensor; convention: WeightConversion } {
    const location = this.locations.get(name);
    if (location === undefined) throw internalError(`no tensor ${name}`);
    this.checkSize();
    const convention = weightConversion(this.architecture, name);
    if (
      (convention === "query" || convention === "key") &&
      elementAt(location.shape, 0) % (2 * this.heads[convention]) !== 0
    )
      throw ggufFormatError(
        `${this.path}, tensor ${JSON.stringify(name)}`,
        "A tensor does not match the head count",
        {
          expected: `rows in pairs for each of ${this.heads[convention]} heads`,
          found: formatShape(location.shape),
        },
      );
    return { location, convention };
  }

  private mappedTensor({ type, shape, begin }: GgufTensor): Tensor {
    const dtypes: Readonly<Record<string, "float16" | "bfloat16">> = { F16: "float16", BF16: "bfloat16" };
    return this.map.tensor(begin, shape, dtypes[type.name] ?? "float32");
  }

  private dequantisedTensor({ type, shape, begin, byteLength }: GgufTensor): Tensor {
    const numbers = (byteLength / type.blockBytes) * type.blockSize;
    const out = empty([numbers], { dtype: "float32", device: "cpu" });
    const room = new Float32Array(Math.min(numbers, chunkElements));
    const pieceBytes = (chunkElements / type.blockSize) * type.blockBytes;
    for (let at = 0, to = 0; at < byteLength; at += pieceBytes, to += chunkElements) {
      scope(() => {
        const length = Math.min(pieceBytes, byteLength - at);
        const source = this.map.tensor(begin + at, [length], "uint8").data();
        const piece = dequantise(type, new Uint8Array(source.buffer, source.byteOffset, length), room);
        copy_(narrow(out, 0, to, piece.length), fromData(piece, [piece.length], { device: "cpu" }));
      });
    }
    return reshape(out, shape);
  }

  /** Access beyond the end of a mapped file ends the process, so the file's size is checked first. */
  private checkSize(): void {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size;
    if (size === undefined || size === this.size) return;
    throw ggufFormatError(this.path, "The file changed while it was in use", {
      expected: `${this.size} bytes`,
      found: `${size} bytes`,
    });
  }
}

/** The tensor of Llama 3's frequency divisors: part of the config, not of the weights. */
export const ropeFactorsName = "rope_freqs.weight";
