import { z } from "zod";
import { factorFolderKeys, fromField, initField, rankFields, targetFields } from "./adapter-fields.ts";

export const hira = {
  name: "hira",
  summary:
    "HiRA: W times a matrix of low rank, number by number, so that the change has high rank (ICLR 2025)",
  lr: 1e-3,
  schema: z.strictObject({
    method: z.literal("hira"),
    ...rankFields,
    ...targetFields,
    ...initField,
    ...fromField,
  }),
  folderKeys: factorFolderKeys,
} as const;
