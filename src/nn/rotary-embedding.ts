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
  toDType,
  unsqueeze,
} from "../torch/index.ts";
import { canUseFusedKernel } from "./can-use-fused-kernel.ts";
import { sequenceSpans, type TokenStream } from "./causal-lm.ts";
import { concatenate } from "./concatenate.ts";
import {
  dependsOnLength,
  type RopeParameters,
  type RopeShape,
  ropeFrequencies,
  ropeFrequenciesKey,
} from "./rope-frequencies.ts";

/** Cosines and sines for each token of a stream, computed once for all layers. */
export interface RotaryCosSin {
  /** `[T, 1, headDim]` */
  cos: Tensor;
  /** `[T, 1, headDim]`, the first half negated. */
  signedSin: Tensor;
}

interface DeviceFrequencies {
  /** fp32 `[1, headDim / 2]` */
  frequencies: Tensor;
  scale: number;
}

/** Rotary position embeddings of one model, in the `rotate_half` layout of Hugging Face: pairs are `(i, i + headDim/2)`. */
export class RotaryEmbedding implements Disposable {
  private readonly rope: RopeParameters;
  private readonly shape: RopeShape;
  private readonly tables = new Map<number, DeviceFrequencies>();

  constructor(rope: RopeParameters, shape: RopeShape) {
    this.rope = rope;
    this.shape = shape;
  }

  /** The rotation of each token of the stream, for tensors of the dtype and device of `like`. */
  cosSin(stream: TokenStream, like: Tensor): RotaryCosSin {
    return noGrad(() => scope(() => this.compute(stream, like)));
  }

  dispose(): void {
    for (const { frequencies } of this.tables.values()) frequencies.dispose();
    this.tables.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private compute(stream: TokenStream, like: Tensor): RotaryCosSin {
    // Dynamic tables depend on the length: without a limit they would add up.
    if (this.tables.size >= 64) this.dispose();
    const dtype = canUseFusedKernel(like) ? "float32" : like.dtype;
    const positions = unsqueeze(toDType(stream.positions, "float32"), 1);
    const parts = this.groupByFrequencies(stream).map(({ start, length, table }) => {
      const angles = mul(narrow(positions, 0, start, length), table.frequencies);
      const scaled = (x: Tensor) => toDType(table.scale === 1 ? x : mulScalar(x, table.scale), dtype);
      return { cos: scaled(cos(angles)), sin: scaled(sin(angles)) };
    });
    const cosine = concatenate(parts.map((part) => part.cos));
    const sine = concatenate(parts.map((part) => part.sin));
    return {
      cos: unsqueeze(cat([cosine, cosine], { dim: 1 }), 1),
      signedSin: unsqueeze(cat([neg(sine), sine], { dim: 1 }), 1),
    };
  }

  /** Groups neighbouring sequences that use one table. */
  private groupByFrequencies(
    stream: TokenStream,
  ): { start: number; length: number; table: DeviceFrequencies }[] {
    const device = stream.positions.device;
    if (!dependsOnLength(this.rope))
      return [{ start: 0, length: stream.positions.size(0), table: this.deviceFrequencies(1, device) }];
    const groups: { start: number; length: number; tableLength: number }[] = [];
    for (const [i, { start, length }] of sequenceSpans(stream.offsets).entries()) {
      const past = stream.caches?.[i]?.length ?? 0;
      const tableLength = ropeFrequenciesKey(this.rope, this.shape, past + length);
      const last = groups.at(-1);
      if (last?.tableLength === tableLength) last.length += length;
      else groups.push({ start, length, tableLength });
    }
    return groups.map(({ start, length, tableLength }) => ({
      start,
      length,
      table: this.deviceFrequencies(tableLength, device),
    }));
  }

  private deviceFrequencies(length: number, device: string): DeviceFrequencies {
    const known = this.tables.get(length);
    if (known !== undefined) return known;
    const { inverseFrequencies, attentionScaling } = ropeFrequencies(this.rope, this.shape, length);
    const frequencies = fromData(inverseFrequencies, [1, inverseFrequencies.length], { device }).keep();
    const made = { frequencies, scale: attentionScaling };
    this.tables.set(length, made);
    return made;
  }
}

/**
 * Rotates each head of each token.
 * @param x `[T, heads, headDim]`
 */
export function applyRotary(x: Tensor, { cos: cosine, signedSin }: RotaryCosSin): Tensor {
  if (canUseFusedKernel(x)) return fusedRotate(x, cosine, signedSin);
  const half = signedSin.size(2) / 2;
  return addcmul_(mul(x, cosine), roll(x, half, { dims: -1 }), signedSin);
}
