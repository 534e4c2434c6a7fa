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

/** Finds keys of ScaLoRA that do not go together, or not with the optimiser. */
export function checkScaloraOptions(adapter: UncheckedSection, train: UncheckedSection): KeyIssue[] {
  const issues = [...checkBaseOptions(adapter), ...checkPolicy(adapter)];
  if (adapter["interval"] === "adaptive" && isRecord(adapter["scale"]) && "horizon" in adapter["scale"]) {
    issues.push({
      path: ["adapter", "scale"],
      problem: "forgets at every event, and adaptive events are left out where little would change",
      expected: "preserve, {columnNorm: ρ} or {lipschitz: L} (or a number as interval)",
      found: formatFoundValue(adapter["scale"]),
    });
  }
  if (isAbove0(train["weightDecay"]) && isAbove0(train["momentum"]) && !scalesNoMoments(adapter)) {
    issues.push({
      path: ["train", "weightDecay"],
      problem:
        "does not go with momentum of sgd: the momentum then holds decay as well as gradients, and an event scales the two differently",
      expected: "0, or optimizer adamw, momentum 0, moments keep or reset",
      found: formatFoundValue(train["weightDecay"]),
    });
  }
  return issues;
}

/** Finds keys that a policy needs or does not go with. */
function checkPolicy(adapter: UncheckedSection): KeyIssue[] {
  const { policy = "default", moments } = adapter;
  const issues: KeyIssue[] = [];
  const refuse = (key: string, problem: string, expected: string) =>
    issues.push({
      path: ["adapter", key],
      problem,
      expected,
      found: key in adapter ? formatFoundValue(adapter[key]) : "nothing",
    });
  if (policy === "paper" && adapter["scale"] === undefined)
    refuse(
      "scale",
      "must be given with policy paper, whose optimum depends on the smoothness constant L",
      "{lipschitz: L} with an L found by a sweep (scalora compare), or another scale by its name",
    );
  if (policy !== "svd") {
    if (moments === "transport")
      refuse(
        "moments",
        "transport projects moments onto the new factors of policy svd",
        "transfer, keep or reset (or policy: svd)",
      );
    return issues;
  }
  if (moments === "transfer" || moments === "keep")
    refuse(
      "moments",
      "does not go with policy svd, whose new factors have no columns in common with the old ones",
      "reset or transport",
    );
  if (adapter["base"] === "factored")
    refuse("base", "does not go with policy svd, which works on full weights", "auto or exact");
  if (adapter["magnitude"] === true)
    refuse(
      "magnitude",
      "does not go with policy svd, which takes the gradient of the weight without its lengths",
      "false",
    );
  return issues;
}

/** Whether an event scales no moments. */
const scalesNoMoments = ({ moments }: UncheckedSection) => moments === "keep" || moments === "reset";

const isAbove0 = (value: unknown) => typeof value === "number" && value > 0;
