import { z } from "zod";
import { integerAtLeast } from "../field-types.ts";
import {
  baseFields,
  checkBaseOptions,
  rankFields,
  refusalUnlessFactored,
  targetFields,
} from "./adapter-fields.ts";

export const floraDefaults = { interval: 1000 };

export const flora = {
  name: "flora",
  summary:
    "Flora: full matrices trained through random projections of gradient and momentum (arXiv 2402.03293)",
  // One step of AdamW moves a number of W by about this much, as in full fine-tuning; the projections add noise.
  lr: 2e-5,
  schema: z.strictObject({
    method: z.literal("flora"),
    interval: integerAtLeast(2).default(floraDefaults.interval).meta({
      description: "κ: steps between new projections",
    }),
    ...rankFields,
    rank: rankFields.rank.meta({ description: "Columns of the projection, and of gradient and moments" }),
    ...targetFields,
    ...baseFields,
  }),
  check: checkBaseOptions,
  refusesQuantised: refusalUnlessFactored,
} as const;
