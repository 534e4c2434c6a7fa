const scratch = new DataView(new ArrayBuffer(4));

/** The 16-bit float (IEEE 754 binary16) at a byte offset (little-endian). */
export function readFloat16(source: DataView, at: number): number {
  const bits = source.getUint16(at, true);
  const sign = bits & 0x8000;
  const magnitude = bits & 0x7fff;
  if (magnitude > 0x7c00) return Number.NaN;
  if (magnitude === 0x7c00) return sign ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  // As a 32-bit float, whose exponent bias is larger by 112.
  scratch.setUint32(0, (sign << 16) | (magnitude << 13));
  return scratch.getFloat32(0) * 2 ** 112;
}
