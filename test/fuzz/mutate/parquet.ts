import type { Random } from "../../../src/util/random.ts";
import { type Mutator, mutateBytes, oneOf } from "./bytes.ts";

const mark = Buffer.from("PAR1");

/** Changes the footer (schema, places of the columns), with a length that fits. */
function changeFooter(file: Uint8Array, random: Random): Uint8Array {
  const bytes = Buffer.from(file);
  if (bytes.length < 12) return mutateBytes(bytes, random);
  const length = Math.min(bytes.readUInt32LE(bytes.length - 8), bytes.length - 8);
  const start = bytes.length - 8 - length;
  const footer = mutateBytes(bytes.subarray(start, -8), random);
  const end = Buffer.alloc(4);
  end.writeUInt32LE(footer.length);
  return Buffer.concat([bytes.subarray(0, start), footer, end, mark]);
}

/** Changes pages and footer, the marks at both ends stay. */
function changeWithin(file: Uint8Array, random: Random): Uint8Array {
  return Buffer.concat([mark, mutateBytes(file.subarray(4, -4), random), mark]);
}

/** Damage to a Parquet file: the footer, the pages, any byte. */
export const mutateParquet: Mutator = oneOf(
  changeFooter,
  changeFooter,
  changeWithin,
  changeWithin,
  mutateBytes,
);
