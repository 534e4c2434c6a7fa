/** What a whole file is quantised to: llama.cpp's name, `general.file_type` (`llama_ftype`), and the type of most matrices. */
const table = {
  F32: { id: 0, type: "F32" },
  F16: { id: 1, type: "F16" },
  BF16: { id: 32, type: "BF16" },
  Q4_0: { id: 2, type: "Q4_0" },
  Q8_0: { id: 7, type: "Q8_0" },
  Q4_K_M: { id: 15, type: "Q4_K" },
  Q5_K_M: { id: 17, type: "Q5_K" },
  Q6_K: { id: 18, type: "Q6_K" },
} as const;

/** A type of file that can be written. */
export type FileType = keyof typeof table;

/** `general.file_type` and the type of most matrices. */
export const fileTypes: Readonly<Record<FileType, { readonly id: number; readonly type: string }>> = table;

/** Whether its matrices are quantised, in blocks with scales. */
export const isQuantisedFileType = (fileType: FileType) => !["F32", "F16", "BF16"].includes(fileType);
