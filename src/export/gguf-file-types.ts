import { type FileType, isQuantisedFileType } from "../gguf/quantise/file-types.ts";
import { ScaloraError } from "../util/errors.ts";

/** Data types of merged models. */
export const exportDTypes = [
  "float32",
  "bfloat16",
  "float16",
  "q8_0",
  "q6_k",
  "q5_k_m",
  "q4_k_m",
  "q4_0",
] as const;

export type ExportDType = (typeof exportDTypes)[number];

/** What a data type may be called: as llama.cpp's users do, or as torch does. */
export type ExportDTypeName = ExportDType | "f32" | "bf16" | "f16";

const named: ReadonlyMap<string, ExportDType> = new Map<ExportDTypeName, ExportDType>([
  ["f32", "float32"],
  ["bf16", "bfloat16"],
  ["f16", "float16"],
  ...exportDTypes.map((dtype) => [dtype, dtype] as const),
]);

/** What a data type may be called, in small or capital letters. */
export const exportDTypeNames: readonly string[] = [...named.keys()];

/** The data type of a name; undefined where there is none. */
export const exportDTypeNamed = (name: string): ExportDType | undefined => named.get(name.toLowerCase());

/** @throws ScaloraError `usage` for a name that no data type has */
export function requireExportDType(name: unknown): ExportDType {
  const found = typeof name === "string" ? exportDTypeNamed(name) : undefined;
  if (found !== undefined) return found;
  throw new ScaloraError("usage", "There is no such data type", {
    where: "dtype",
    expected: exportDTypeNames.join(", "),
    found: String(name),
  });
}

/** What a GGUF file of a data type is called there. */
export const ggufFileTypes: Readonly<Record<ExportDType, FileType>> = {
  float32: "F32",
  bfloat16: "BF16",
  float16: "F16",
  q8_0: "Q8_0",
  q6_k: "Q6_K",
  q5_k_m: "Q5_K_M",
  q4_k_m: "Q4_K_M",
  q4_0: "Q4_0",
};

/** Whether matrices are stored in blocks with scales. */
export const isQuantisedDType = (dtype: ExportDType) => isQuantisedFileType(ggufFileTypes[dtype]);
