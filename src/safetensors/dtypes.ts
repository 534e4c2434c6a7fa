import type { DType } from "../torch/index.ts";

/** Bits of one element of each dtype that the format knows (safetensors 0.7, `tensor.rs`). */
export const dtypeBits: ReadonlyMap<string, number> = new Map([
  ["BOOL", 8],
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["U8", 8],
  ["I8", 8],
  ["F8_E5M2", 8],
  ["F8_E4M3", 8],
  ["F8_E5M2FNUZ", 8],
  ["F8_E4M3FNUZ", 8],
  ["F8_E8M0", 8],
  ["I16", 16],
  ["U16", 16],
  ["F16", 16],
  ["BF16", 16],
  ["I32", 32],
  ["U32", 32],
  ["F32", 32],
  ["C64", 64],
  ["F64", 64],
  ["I64", 64],
  ["U64", 64],
]);

const torchTypes: ReadonlyMap<string, DType> = new Map<string, DType>([
  ["BOOL", "bool"],
  ["U8", "uint8"],
  ["I8", "int8"],
  ["I16", "int16"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I32", "int32"],
  ["F32", "float32"],
  ["F64", "float64"],
  ["I64", "int64"],
]);

const fileTypes: ReadonlyMap<DType, string> = new Map([...torchTypes].map(([file, torch]) => [torch, file]));

/** The tensor dtype of a file's dtype, or undefined where there is none (8-bit floats, unsigned 16 to 64 bits…). */
export function torchDType(fileDType: string): DType | undefined {
  return torchTypes.get(fileDType);
}

/** The name of a tensor dtype in files. */
export function fileDType(dtype: DType): string {
  const name = fileTypes.get(dtype);
  if (name === undefined) throw new TypeError(`no safetensors dtype for ${dtype}`);
  return name;
}
