import { internalError } from "../util/errors.ts";
import { decodeQ4K, decodeQ5K, decodeQ6K } from "./dequantise-k-quants.ts";
import { readFloat16 } from "./float16.ts";
import type { TensorType } from "./types.ts";

/**
 * Writes one block's numbers to `out[to…]`. The format defines each as a few products and one sum of which only the last
 * operation rounds in float32, so double arithmetic with one rounding at the store gives the same bits.
 */
export type BlockDecoder = (source: Uint8Array, at: number, out: Float32Array, to: number) => void;

const decoders: ReadonlyMap<string, BlockDecoder> = new Map<string, BlockDecoder>([
  ["Q4_0", decodeQ40],
  ["Q4_1", decodeQ41],
  ["Q5_0", decodeQ50],
  ["Q5_1", decodeQ51],
  ["Q8_0", decodeQ80],
  ["Q4_K", decodeQ4K],
  ["Q5_K", decodeQ5K],
  ["Q6_K", decodeQ6K],
]);

/** Whether numbers of the type stand in blocks with scales (the others are plain floats). */
export function isQuantised({ name }: TensorType): boolean {
  return decoders.has(name);
}

/**
 * The numbers of whole blocks.
 * @param source the blocks' bytes, a multiple of `type.bytes`
 */
export function dequantise(type: TensorType, source: Uint8Array): Float32Array {
  const decode = decoders.get(type.name);
  if (decode === undefined) throw internalError(`${type.name} is not quantised`);
  const out = new Float32Array((source.length / type.blockBytes) * type.blockSize);
  for (let at = 0, to = 0; at < source.length; at += type.blockBytes, to += type.blockSize)
    decode(source, at, out, to);
  return out;
}

function decodeQ80(source: Uint8Array, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  for (let i = 0; i < 32; i++) out[to + i] = scale * ((source[at + 2 + i] << 24) >> 24);
}

function decodeQ40(source: Uint8Array, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  for (let i = 0; i < 16; i++) {
    const pair = source[at + 2 + i];
    out[to + i] = scale * ((pair & 15) - 8);
    out[to + 16 + i] = scale * ((pair >> 4) - 8);
  }
}

function decodeQ41(source: Uint8Array, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const min = readFloat16(source, at + 2);
  for (let i = 0; i < 16; i++) {
    const pair = source[at + 4 + i];
    out[to + i] = scale * (pair & 15) + min;
    out[to + 16 + i] = scale * (pair >> 4) + min;
  }
}

/** The fifth bits of 32 numbers. */
function highBits(source: Uint8Array, at: number): number {
  return source[at] | (source[at + 1] << 8) | (source[at + 2] << 16) | (source[at + 3] << 24);
}

function decodeQ50(source: Uint8Array, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const high = highBits(source, at + 2);
  for (let i = 0; i < 16; i++) {
    const pair = source[at + 6 + i];
    out[to + i] = scale * (((pair & 15) | (((high >>> i) & 1) << 4)) - 16);
    out[to + 16 + i] = scale * (((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16);
  }
}

function decodeQ51(source: Uint8Array, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const min = readFloat16(source, at + 2);
  const high = highBits(source, at + 4);
  for (let i = 0; i < 16; i++) {
    const pair = source[at + 8 + i];
    out[to + i] = scale * ((pair & 15) | (((high >>> i) & 1) << 4)) + min;
    out[to + 16 + i] = scale * ((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) + min;
  }
}
