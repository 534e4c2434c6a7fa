import { internalError } from "../util/errors.ts";

/** A tensor type: blocks of `blockSize` values in `blockBytes` bytes. */
export interface TensorType {
  readonly id: number;
  readonly name: string;
  readonly blockSize: number;
  readonly blockBytes: number;
}

/** The types that can be read (ggml, `ggml_type` and the block structs of ggml-common.h). */
const readableTypes: readonly TensorType[] = [
  { id: 0, name: "F32", blockSize: 1, blockBytes: 4 },
  { id: 1, name: "F16", blockSize: 1, blockBytes: 2 },
  { id: 2, name: "Q4_0", blockSize: 32, blockBytes: 18 },
  { id: 3, name: "Q4_1", blockSize: 32, blockBytes: 20 },
  { id: 6, name: "Q5_0", blockSize: 32, blockBytes: 22 },
  { id: 7, name: "Q5_1", blockSize: 32, blockBytes: 24 },
  { id: 8, name: "Q8_0", blockSize: 32, blockBytes: 34 },
  { id: 12, name: "Q4_K", blockSize: 256, blockBytes: 144 },
  { id: 13, name: "Q5_K", blockSize: 256, blockBytes: 176 },
  { id: 14, name: "Q6_K", blockSize: 256, blockBytes: 210 },
  { id: 30, name: "BF16", blockSize: 1, blockBytes: 2 },
];

export const tensorTypes: ReadonlyMap<number, TensorType> = new Map(
  readableTypes.map((type) => [type.id, type]),
);

/** Names of types that exist but cannot be read, for messages. */
const otherTypes: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [20, "IQ4_NL"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
]);

/** A type for a message. */
export function typeLabel(id: number): string {
  return tensorTypes.get(id)?.name ?? otherTypes.get(id) ?? `type ${id}, unknown to GGUF`;
}

/** The type of that name. */
export function tensorTypeByName(name: string): TensorType {
  const found = readableTypes.find((type) => type.name === name);
  if (found === undefined) throw internalError(`no tensor type ${name}`);
  return found;
}
