import type { Random } from "../../../src/util/random.ts";
import { lieBytes, type Mutator, mutateBytes, oneOf } from "./bytes.ts";
import { mutateJson } from "./json.ts";

const dtypes = ["F64", "F32", "F16", "BF16", "I64", "I8", "U8", "BOOL", "F8_E4M3", "F4", "C64"];
const mutateHeader = mutateJson([...dtypes.map((name) => `"${name}"`), "[0,0]", "[8,0]", "[1,0,3]", "[-1]"]);

/** The parts of a file: header text, and data. */
function split(file: Uint8Array): { header: Uint8Array; data: Uint8Array } {
  const bytes = Buffer.from(file);
  if (bytes.length < 8) return { header: bytes, data: Buffer.alloc(0) };
  const end = 8 + Math.min(Number(bytes.readBigUInt64LE()), bytes.length - 8);
  return { header: bytes.subarray(8, end), data: bytes.subarray(end) };
}

function join(header: Uint8Array, data: Uint8Array): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

/** Changes values of the header, with a length that fits. */
function changeHeader(file: Uint8Array, random: Random): Uint8Array {
  const { header, data } = split(file);
  return join(mutateHeader(header, random), data);
}

function lieAboutLength(file: Uint8Array, random: Random): Uint8Array {
  return Buffer.concat([lieBytes(random, 8), file.subarray(8)]);
}

/** Damage to a safetensors file: values of its header, the header's length, its data, any byte. */
export const mutateSafetensors: Mutator = oneOf(
  changeHeader,
  changeHeader,
  changeHeader,
  lieAboutLength,
  (file, random) => {
    const { header, data } = split(file);
    return join(header, mutateBytes(data, random));
  },
  mutateBytes,
);
