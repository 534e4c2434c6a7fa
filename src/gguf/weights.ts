import { statSync } from "node:fs";
import { copy_, empty, fromData, MappedFile, narrow, reshape, scope, type Tensor } from "../torch/index.ts";
import { internalError } from "../util/errors.ts";
import { formatShape } from "../util/format.ts";
import { type Architecture, conventionOf, modelName } from "./architectures.ts";
import { dequantise, isQuantised } from "./blocks.ts";
import { fromFormat, type Heads } from "./conventions.ts";
import type { GgufHeader, GgufTensor } from "./header.ts";
import { malformed } from "./malformed.ts";

/** What a tensor is, to those who load it: `dtype` as safetensors files name it. */
export interface WeightEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Numbers that are dequantised at a time. */
const pieceNumbers = 1 << 22;

/** The tensors of a GGUF file under the model's names, with the format's conventions undone. */
export class GgufWeights {
  readonly path: string;
  readonly entries: ReadonlyMap<string, WeightEntry>;
  private readonly places = new Map<string, GgufTensor>();
  private readonly map: MappedFile;
  private readonly size: number;
  private readonly architecture: Architecture;
  private readonly heads: Heads;

  constructor({ path, size, tensors }: GgufHeader, architecture: Architecture, heads: Heads) {
    this.path = path;
    this.size = size;
    this.architecture = architecture;
    this.heads = heads;
    const entries = new Map<string, WeightEntry>();
    for (const [stored, tensor] of tensors) {
      if (stored === ropeFactors) continue;
      const name = modelName(architecture, stored);
      this.places.set(name, tensor);
      entries.set(name, { dtype: isQuantised(tensor.type) ? "F32" : tensor.type.name, shape: tensor.shape });
    }
    this.entries = entries;
    this.map = new MappedFile(path);
  }

  /** The tensor in float32 where it was quantised, else of its own dtype. It outlives this object. */
  tensor(name: string): Tensor {
    const place = this.places.get(name);
    if (place === undefined) throw internalError(`no tensor ${name}`);
    this.checkSize();
    const convention = conventionOf(this.architecture, name);
    if (
      (convention === "query" || convention === "key") &&
      place.shape[0] % (2 * this.heads[convention]) !== 0
    )
      throw malformed(`${this.path}, tensor ${JSON.stringify(name)}`, "A tensor does not fit the heads", {
        expected: `rows in pairs for each of ${this.heads[convention]} heads`,
        found: formatShape(place.shape),
      });
    return scope(() => {
      const stored = isQuantised(place.type) ? this.dequantised(place) : this.plain(place);
      return fromFormat(stored, convention, this.heads);
    });
  }

  dispose(): void {
    this.map.dispose();
  }

  private plain({ type, shape, begin }: GgufTensor): Tensor {
    const dtypes: Readonly<Record<string, "float16" | "bfloat16">> = { F16: "float16", BF16: "bfloat16" };
    return this.map.tensor(begin, shape, dtypes[type.name] ?? "float32");
  }

  private dequantised({ type, shape, begin, bytes }: GgufTensor): Tensor {
    const numbers = (bytes / type.bytes) * type.block;
    const out = empty([numbers], "float32");
    const pieceBytes = (pieceNumbers / type.block) * type.bytes;
    for (let at = 0, to = 0; at < bytes; at += pieceBytes, to += pieceNumbers) {
      scope(() => {
        const length = Math.min(pieceBytes, bytes - at);
        const source = this.map.tensor(begin + at, [length], "uint8").data();
        const piece = dequantise(type, new Uint8Array(source.buffer, source.byteOffset, length));
        copy_(narrow(out, 0, to, piece.length), fromData(piece, [piece.length]));
      });
    }
    return reshape(out, shape);
  }

  /** Touching a page beyond the end of a mapped file ends the process, so look before. */
  private checkSize(): void {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size;
    if (size === undefined || size === this.size) return;
    throw malformed(this.path, "The file changed while it was in use", {
      expected: `${this.size} bytes`,
      found: `${size} bytes`,
    });
  }
}

/** The stored factors of Llama 3's rotary frequencies: part of the config, not of the weights. */
export const ropeFactors = "rope_freqs.weight";
