import { z } from "zod";
import { positive } from "../field-types.ts";
import { rankFields, scaleFields, targetFields } from "./adapter-fields.ts";

export const pissa = {
  name: "pissa",
  summary: "PiSSA: LoRA whose factors start as the leading singular triplets of W (arXiv 2404.02948)",
  // The paper's.
  lr: 2e-5,
  schema: z
    .strictObject({
      method: z.literal("pissa"),
      ...rankFields,
      ...scaleFields,
      alpha: positive().optional().meta({ description: "Scale numerator: s = alpha / rank", unset: "rank" }),
      ...targetFields,
    })
    .transform((adapter) => ({ ...adapter, alpha: adapter.alpha ?? adapter.rank })),
  refusesQuantised: () =>
    "its start is of use there only where W is quantised without its leading directions, which is not built",
} as const;
