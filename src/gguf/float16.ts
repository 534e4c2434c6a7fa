/** Every 16-bit float (IEEE 754 binary16) by its bits. */
let table: Float32Array | undefined;

/** The 16-bit float at a byte offset (little-endian). */
export function readFloat16(source: Uint8Array, at: number): number {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, index) => decodeFloat16(index));
  return table[source[at] | (source[at + 1] << 8)];
}

function decodeFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
