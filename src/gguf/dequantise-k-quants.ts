import { readFloat16 } from "./float16.ts";

/** K-quants: blocks of 256 values with a scale for each sub-block (ggml-common.h, gguf-py's quants.py). */

/** 6-bit scales (`[0]` to `[7]`) and 6-bit minimums (`[8]` to `[15]`) of eight sub-blocks, packed into 12 bytes. */
const subBlockScales = new DataView(new ArrayBuffer(16));

function unpackSubBlockScales(source: DataView, at: number): void {
  for (let i = 0; i < 4; i++) {
    const scale = source.getUint8(at + i);
    const offset = source.getUint8(at + 4 + i);
    const low = source.getUint8(at + 8 + i);
    subBlockScales.setUint8(i, scale & 63);
    subBlockScales.setUint8(8 + i, offset & 63);
    subBlockScales.setUint8(4 + i, (low & 15) | ((scale >> 6) << 4));
    subBlockScales.setUint8(12 + i, (low >> 4) | ((offset >> 6) << 4));
  }
}

/** `[d, dmin, parts 12, q 128]` */
export function decodeQ4K(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const min = readFloat16(source, at + 2);
  unpackSubBlockScales(source, at + 4);
  for (let part = 0; part < 8; part++) {
    const d = scale * subBlockScales.getUint8(part);
    const m = min * subBlockScales.getUint8(8 + part);
    const from = at + 16 + (part >> 1) * 32;
    const shift = (part & 1) * 4;
    for (let i = 0; i < 32; i++)
      out[to + part * 32 + i] = d * ((source.getUint8(from + i) >> shift) & 15) - m;
  }
}

/** `[d, dmin, parts 12, fifth bits 32, q 128]` */
export function decodeQ5K(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at);
  const min = readFloat16(source, at + 2);
  unpackSubBlockScales(source, at + 4);
  for (let part = 0; part < 8; part++) {
    const d = scale * subBlockScales.getUint8(part);
    const m = min * subBlockScales.getUint8(8 + part);
    const from = at + 48 + (part >> 1) * 32;
    const shift = (part & 1) * 4;
    for (let i = 0; i < 32; i++) {
      const high = (source.getUint8(at + 16 + i) >> part) & 1;
      out[to + part * 32 + i] = d * (((source.getUint8(from + i) >> shift) & 15) | (high << 4)) - m;
    }
  }
}

/** `[low four bits 128, high two bits 64, scales int8 16, d]` */
export function decodeQ6K(source: DataView, at: number, out: Float32Array, to: number): void {
  const scale = readFloat16(source, at + 208);
  for (let quarter = 0; quarter < 8; quarter++) {
    const side = quarter >> 2;
    const place = quarter & 3;
    const low = at + side * 64 + (place & 1) * 32;
    const high = at + 128 + side * 32;
    const scales = at + 192 + side * 8 + place * 2;
    for (let i = 0; i < 32; i++) {
      const d = scale * source.getInt8(scales + (i >> 4));
      const nibble = (source.getUint8(low + i) >> ((place >> 1) * 4)) & 15;
      const q = (nibble | (((source.getUint8(high + i) >> (place * 2)) & 3) << 4)) - 32;
      out[to + quarter * 32 + i] = d * q;
    }
  }
}
