import {
  addcmul_,
  cat,
  cos,
  fromData,
  fusedRotate,
  mul,
  mulScalar,
  narrow,
  neg,
  noGrad,
  roll,
  scope,
  sin,
  type Tensor,
  toDevice,
  toDType,
  unsqueeze,
} from "../torch/index.ts";
import { sequenceLengths, type TokenStream } from "./causal-lm.ts";
import { runsFused } from "./fused.ts";
import { type RopeParameters, type RopeShape, ropeTable, ropeTableLength } from "./rope.ts";

/** Cosines and sines for each token of a stream, made once for all layers. */
export interface Rotation {
  /** `[T, 1, headDim]` */
  cos: Tensor;
  /** `[T, 1, headDim]`, the first half negated. */
  signedSin: Tensor;
}

interface DeviceTable {
  /** fp32 `[1, headDim / 2]` */
  frequencies: Tensor;
  scale: number;
}

/** Rotary position embeddings of one model: halves of a head are the two coordinates (Hugging Face's layout). */
export class Rotary implements Disposable {
  private readonly rope: RopeParameters;
  private readonly shape: RopeShape;
  private readonly tables = new Map<number, DeviceTable>();

  constructor(rope: RopeParameters, shape: RopeShape) {
    this.rope = rope;
    this.shape = shape;
  }

  /** The rotation of each token of the stream, in the dtype and on the device of `like`. */
  rotation(stream: TokenStream, like: Tensor): Rotation {
    return noGrad(() => scope(() => this.compute(stream, like)));
  }

  dispose(): void {
    for (const { frequencies } of this.tables.values()) frequencies.dispose();
    this.tables.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private compute(stream: TokenStream, like: Tensor): Rotation {
    // Dynamic tables differ from length to length: a pass may need many, the next one others.
    if (this.tables.size >= 64) this.dispose();
    const dtype = like.dtype;
    const positions = unsqueeze(toDType(stream.positions, "float32"), 1);
    const parts = this.groups(stream).map(({ start, length, table }) => {
      const angles = mul(narrow(positions, 0, start, length), table.frequencies);
      const scaled = (x: Tensor) => toDType(table.scale === 1 ? x : mulScalar(x, table.scale), dtype);
      return { cos: scaled(cos(angles)), sin: scaled(sin(angles)) };
    });
    const join = (tensors: Tensor[]) => (tensors.length === 1 ? tensors[0] : cat(tensors, 0));
    const [cosine, sine] = [join(parts.map((part) => part.cos)), join(parts.map((part) => part.sin))];
    return {
      cos: unsqueeze(cat([cosine, cosine], 1), 1),
      signedSin: unsqueeze(cat([neg(sine), sine], 1), 1),
    };
  }

  /** Neighbouring sequences that use one table, together. */
  private groups(stream: TokenStream): { start: number; length: number; table: DeviceTable }[] {
    const groups: { start: number; length: number; tableLength: number }[] = [];
    for (const [i, length] of sequenceLengths(stream).entries()) {
      const past = stream.caches?.[i].length ?? 0;
      const tableLength = ropeTableLength(this.rope, this.shape, past + length);
      const last = groups.at(-1);
      if (last?.tableLength === tableLength) last.length += length;
      else groups.push({ start: stream.offsets[i], length, tableLength });
    }
    const device = stream.positions.device;
    return groups.map(({ start, length, tableLength }) => ({
      start,
      length,
      table: this.table(tableLength, device),
    }));
  }

  private table(length: number, device: string): DeviceTable {
    const known = this.tables.get(length);
    if (known !== undefined) return known;
    const { frequencies, scale } = ropeTable(this.rope, this.shape, length);
    const onCpu = fromData(frequencies, [1, frequencies.length]);
    const made = { frequencies: toDevice(onCpu, device, "float32").keep(), scale };
    this.tables.set(length, made);
    return made;
  }
}

/**
 * Rotates each head of each token.
 * @param x `[T, heads, headDim]`
 */
export function rotate(x: Tensor, { cos: cosine, signedSin }: Rotation): Tensor {
  if (runsFused(x)) return fusedRotate(x, cosine, signedSin);
  const half = signedSin.shape[2] / 2;
  return addcmul_(mul(x, cosine), roll(x, half, -1), signedSin);
}
