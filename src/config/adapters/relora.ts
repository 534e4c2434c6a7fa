import { z } from "zod";
import { fraction, integerAtLeast } from "../field-types.ts";
import { formatFoundValue } from "../format-value.ts";
import {
  baseFields,
  checkBaseOptions,
  lowRankFields,
  lowRankFolderKeys,
  refusalUnlessFactored,
  withDefaultAlpha,
} from "./adapter-fields.ts";
import type { CrossKeyIssue, UncheckedSection } from "./method-config.ts";

export const reloraDefaults = {
  interval: 100,
  prune: 0.99,
  restartWarmup: (interval: number) => Math.floor(interval / 10),
};

export const relora = {
  name: "relora",
  summary: "ReLoRA: LoRA that is merged and started anew every so many steps (arXiv 2307.05695)",
  // Twice LoRA's, as the paper doubles the rate of its full training.
  lr: 4e-4,
  schema: z
    .strictObject({
      method: z.literal("relora"),
      interval: integerAtLeast(2).default(reloraDefaults.interval).meta({
        description: "Steps from one restart to the next (the paper's pre-training: 5,000)",
      }),
      restartWarmup: integerAtLeast(0).optional().meta({
        description: "Steps of warm-up after each restart",
        unset: "a tenth of the interval",
      }),
      prune: fraction().default(reloraDefaults.prune).meta({
        description: "Share of the optimiser's moments, the smallest ones, that a restart sets to 0",
      }),
      ...lowRankFields,
      ...baseFields,
    })
    .transform((adapter) => ({
      ...withDefaultAlpha(adapter),
      restartWarmup: adapter.restartWarmup ?? reloraDefaults.restartWarmup(adapter.interval),
    })),
  folderKeys: lowRankFolderKeys,
  refusesQuantised: refusalUnlessFactored,
  check,
} as const;

function check(adapter: UncheckedSection): CrossKeyIssue[] {
  const { interval = reloraDefaults.interval, restartWarmup } = adapter;
  if (typeof interval !== "number" || typeof restartWarmup !== "number" || restartWarmup < interval)
    return checkBaseOptions(adapter);
  return [
    ...checkBaseOptions(adapter),
    {
      path: ["adapter", "restartWarmup"],
      problem: "is as long as the interval, so that the rate would never be the full one again",
      expected: `less than adapter.interval, ${interval}`,
      found: formatFoundValue(restartWarmup),
    },
  ];
}
