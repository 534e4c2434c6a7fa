import { z } from "zod";
import { fromField, initField, rankFields, targetFields } from "../options/fields.ts";

export const hiraSchema = z.strictObject({
  method: z.literal("hira"),
  ...rankFields,
  ...targetFields,
  ...initField,
  ...fromField,
});
