import { z } from "zod";
import { integerAtLeast } from "../../schema/field-types.ts";
import { baseFields, rankFields, targetFields } from "../options/fields.ts";

export const floraSchema = z.strictObject({
  method: z.literal("flora"),
  interval: integerAtLeast(2).default(1000).meta({
    description: "κ: steps between new projections",
  }),
  ...rankFields,
  rank: rankFields.rank.meta({ description: "Columns of the projection, and of gradient and moments" }),
  ...targetFields,
  ...baseFields,
});
