import { type FileType, isQuantisedFileType } from "../gguf/quantise/file-types.ts";

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
