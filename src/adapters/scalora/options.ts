import { z } from "zod";
import type { KeyIssue } from "../../schema/config-issue.ts";
import { integerAtLeast, positive } from "../../schema/field-types.ts";
import { formatFoundValue } from "../../schema/format-value.ts";
import { isRecord } from "../../util/json.ts";
import type { UncheckedSection } from "../core/method.ts";
import { baseFields, checkBaseOptions, lowRankFields, withDefaultAlpha } from "../options/fields.ts";

const scaleValue = z.union([
  z.enum(["auto", "preserve"]),
  z.strictObject({ columnNorm: positive() }),
  z.strictObject({ lipschitz: positive() }),
  z.strictObject({ horizon: positive() }),
]);

/** The keys of both ScaLoRA methods in addition to the low-rank ones; the methods differ in the default interval. */
const scaloraFields = (interval: number) => ({
  policy: z.enum(["default", "paper", "scalar", "svd"]).default("default").meta({
    description: "Solver of the scaling factors (svd: the slow oracle of Theorem 3.2, for small models)",
  }),
  moments: z.enum(["transfer", "keep", "reset", "transport"]).optional().meta({
    description: "What an event does to the optimiser's moments (transport: only with policy svd)",
    unset: "transfer; reset with policy svd",
  }),
  interval: z
    .union([integerAtLeast(1), z.literal("adaptive")])
    .default(interval)
    .meta({ expects: "an integer, at least 1, or adaptive", description: "Steps between scaling events" }),
  scale: scaleValue.default("auto").meta({
    expects: "auto, preserve, {horizon: steps}, {columnNorm: ρ} or {lipschitz: L} with a number above 0",
    description:
      "Column norm aimed at: each layer's own, kept (preserve) or forgetting over so many steps (horizon), or ρ, or as L; auto is preserve",
  }),
  firstEvent: integerAtLeast(2).optional().meta({
    description: "Step of the first event, counted from 1",
    unset: "the step after warm-up, at least 2",
  }),
  magnitude: z.boolean().default(false).meta({
    description: "Train the lengths of the weight's rows by themselves, as DoRA does",
  }),
  ...baseFields,
});

type Policy = "default" | "paper" | "scalar" | "svd";
type MomentRule = "transfer" | "keep" | "reset" | "transport";

function withDefaultMoments<T extends { policy: Policy; moments?: MomentRule | undefined }>(adapter: T) {
  const unset: MomentRule = adapter.policy === "svd" ? "reset" : "transfer";
  return { ...adapter, moments: adapter.moments ?? unset };
}

export const scaloraSchema = z
  .strictObject({ method: z.literal("scalora"), ...lowRankFields, ...scaloraFields(1) })
  .transform((adapter) => withDefaultMoments(withDefaultAlpha(adapter)));

export const amortisedScaloraSchema = z
  .strictObject({ method: z.literal("scalora-i"), ...lowRankFields, ...scaloraFields(10) })
  .transform((adapter) => withDefaultMoments(withDefaultAlpha(adapter)));

export type ScaloraOptions = z.output<typeof scaloraSchema> | z.output<typeof amortisedScaloraSchema>;

/** Finds keys of ScaLoRA that do not go together, or not with weight decay. */
export function checkScaloraOptions(adapter: UncheckedSection, train: UncheckedSection): KeyIssue[] {
  const issues = checkBaseOptions(adapter);
  const { policy = "default", moments } = adapter;
  if (policy === "svd" && (moments === "transfer" || moments === "keep")) {
    issues.push({
      path: ["adapter", "moments"],
      problem: "does not go with policy svd, whose new factors have no columns in common with the old ones",
      expected: "reset or transport",
      found: formatFoundValue(moments),
    });
  }
  if (policy === "svd" && adapter["base"] === "factored") {
    issues.push({
      path: ["adapter", "base"],
      problem: "does not go with policy svd, which works on full weights",
      expected: "auto or exact",
      found: "factored",
    });
  }
  if (policy === "svd" && adapter["magnitude"] === true) {
    issues.push({
      path: ["adapter", "magnitude"],
      problem: "does not go with policy svd, which takes the gradient of the weight without its lengths",
      expected: "false",
      found: "true",
    });
  }
  if (adapter["interval"] === "adaptive" && isRecord(adapter["scale"]) && "horizon" in adapter["scale"]) {
    issues.push({
      path: ["adapter", "scale"],
      problem: "forgets at every event, and adaptive events are left out where little would change",
      expected: "preserve, {columnNorm: ρ} or {lipschitz: L} (or a number as interval)",
      found: formatFoundValue(adapter["scale"]),
    });
  }
  if (policy !== "svd" && moments === "transport") {
    issues.push({
      path: ["adapter", "moments"],
      problem: "transport projects moments onto the new factors of policy svd",
      expected: "transfer, keep or reset (or policy: svd)",
      found: formatFoundValue(moments),
    });
  }
  if (typeof train["weightDecay"] === "number" && train["weightDecay"] > 0) {
    issues.push({
      path: ["train", "weightDecay"],
      problem:
        "refused with ScaLoRA: decay acts on the factors only, so what an event has moved into the base would escape it and the regularisation would depend on the interval",
      expected: "0",
      found: formatFoundValue(train["weightDecay"]),
    });
  }
  return issues;
}
