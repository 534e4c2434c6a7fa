import type { Random } from "../../util/random.ts";

/** Values that lies about sizes, counts, kinds and offsets like to have. */
const lies = [0n, 1n, 31n, 255n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 60n, 2n ** 63n, 2n ** 64n - 1n];

/**
 * A damaged copy of a file: one to four of flipped bytes, 64-bit and 32-bit lies, runs moved, left out or doubled; now and then
 * cut short.
 * @param reach bytes at the start to damage
 */
export function mutate(file: Uint8Array, random: Random, reach: number): Uint8Array {
  let bytes = Buffer.from(file);
  const rounds = 1 + random.integerBelow(4);
  for (let round = 0; round < rounds; round++) {
    const at = random.integerBelow(Math.min(reach, bytes.length - 8));
    const lie = random.pick(lies);
    const length = 1 + random.integerBelow(24);
    switch (random.integerBelow(6)) {
      case 0:
        bytes[at] = random.integerBelow(256);
        break;
      case 1:
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.integerBelow(8)), at);
        break;
      case 2:
        bytes.writeBigUInt64LE(lie, at);
        break;
      case 3:
        bytes.writeUInt32LE(Number(lie & 0xffffffffn), at);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    }
    if (bytes.length < 16) break;
  }
  return random.integerBelow(8) === 0 ? bytes.subarray(0, random.integerBelow(bytes.length)) : bytes;
}
