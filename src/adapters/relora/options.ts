import { z } from "zod";
import type { KeyIssue } from "../../schema/config-issue.ts";
import { fraction, integerAtLeast } from "../../schema/field-types.ts";
import { formatFoundValue } from "../../schema/format-value.ts";
import type { UncheckedSection } from "../core/method.ts";
import { baseFields, checkBaseOptions, lowRankFields, withDefaultAlpha } from "../options/fields.ts";

const defaultInterval = 100;

export const reloraSchema = z
  .strictObject({
    method: z.literal("relora"),
    interval: integerAtLeast(2).default(defaultInterval).meta({
      description: "Steps from one restart to the next (the paper's pre-training: 5,000)",
    }),
    restartWarmup: integerAtLeast(0).optional().meta({
      description: "Steps of warm-up after each restart",
      unset: "a tenth of the interval",
    }),
    prune: fraction().default(0.99).meta({
      description: "Share of the optimiser's moments, the smallest ones, that a restart sets to 0",
    }),
    ...lowRankFields,
    ...baseFields,
  })
  .transform((adapter) => ({
    ...withDefaultAlpha(adapter),
    restartWarmup: adapter.restartWarmup ?? Math.floor(adapter.interval / 10),
  }));

export type ReloraOptions = z.output<typeof reloraSchema>;

/** Finds keys of ReLoRA that do not go together. */
export function checkReloraOptions(adapter: UncheckedSection): KeyIssue[] {
  const { interval = defaultInterval, restartWarmup } = adapter;
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
