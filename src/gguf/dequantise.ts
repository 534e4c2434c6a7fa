import { internalError } from "../util/errors.ts";
import { decodeQ4K, decodeQ5K, decodeQ6K } from "./dequantise-k-quants.ts";
import { readFloat16 } from "./float16.ts";
import type { TensorType } from "./tensor-types.ts";

/**
 * Writes one block's values to `out[to…]`. Each is a few products and one sum of which only the last operation rounds in
 * float32, so double arithmetic with one rounding at the store gives the same bits.
 */
export type BlockDecoder = (source: DataView, at: number, out: Float32Array, to: number) => void;

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

/** Whether the type is quantised, in blocks with scales; the others are plain floats. */
export function isQuantised({ name }: TensorType): boolean {
  return decoders.has(name);
}

/**
 * Dequantises complete blocks.
 * @param source the blocks' bytes, a multiple of `type.blockBytes`
 * @param room for the values, at least as many; they are a part of it, valid until it is used again
 */
export function dequantise(type: TensorType, source: Uint8Array, room?: Float32Array): Float32Array {
  const decode = decoders.get(type.name);
  if (decode === undefined) throw internalError(`${type.name} is not quantised`);
  const count = (source.length / type.blockBytes) * type.blockSize;
  const out = room?.subarray(0, count) ?? new Float32Array(count);
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let at = 0, to = 0; at < source.length; at += type.blockBytes, to += type.blockSize)
    decode(view, at, out, to);
  return out;
}

function decodeQ80(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  for (let i = 0; i < 32; i++) out[to + i] = scale * source.getInt8(at + 2 + i);
}

function decodeQ40(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  for (let i = 0; i < 16; i++) {
    const pair = source.getUint8(at + 2 + i);
    out[to + i] = scale * ((pair & 15) - 8);
    out[to + 16 + i] = scale * ((pair >> 4) - 8);
  }
}

function decodeQ41(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const min = readFloat16(source, at + 2);
  for (let i = 0; i < 16; i++) {
    const pair = source.getUint8(at + 4 + i);
    out[to + i] = scale * (pair & 15) + min;
    out[to + 16 + i] = scale * (pair >> 4) + min;
  }
}

function decodeQ50(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const fifthBits = source.getUint32(at + 2, true);
  for (let i = 0; i < 16; i++) {
    const pair = source.getUint8(at + 6 + i);
    out[to + i] = scale * (((pair & 15) | (((fifthBits >>> i) & 1) << 4)) - 16);
    out[to + 16 + i] = scale * (((pair >> 4) | (((fifthBits >>> (i + 16)) & 1) << 4)) - 16);
  }
}

function decodeQ51(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const min = readFloat16(source, at + 2);
  const fifthBits = source.getUint32(at + 4, true);
  for (let i = 0; i < 16; i++) {
    const pair = source.getUint8(at + 8 + i);
    out[to + i] = scale * ((pair & 15) | (((fifthBits >>> i) & 1) << 4)) + min;
    out[to + 16 + i] = scale * ((pair >> 4) | (((fifthBits >>> (i + 16)) & 1) << 4)) + min;
  }
}
