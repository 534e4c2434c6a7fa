import { z } from "zod";
import { count, real } from "./schema-fields.ts";

const quantiles = z.array(real()).length(5);

/** Ranks of a matrix, from the singular values that were computed. */
const ranks = {
  rank: count().describe("Singular values above 1 % of the largest"),
  entropyRank: real().describe("exp of the entropy of the squared singular values"),
  complete: z.boolean().describe("Whether all singular values above the threshold were computed"),
};

const layerScalingSchema = z.object({
  branch: z.string().describe("Branch of the solver that the run took"),
  branches: z
    .object({ default: z.string(), paper: z.string(), scalar: z.string() })
    .describe("Branch that each policy would have taken"),
  alpha: quantiles
    .optional()
    .describe("Minimum, quartiles and maximum of the factors of A's columns; absent with policy `svd`"),
  beta: quantiles.optional().describe("The same for B's columns"),
  distance: z
    .object({ unscaled: real(), chosen: real(), optimum: real() })
    .optional()
    .describe("Distance of the weight's update from the full-gradient step −G/L, relative to ‖G/L‖"),
});

/** What a scaling event did to a layer, and what each policy would have done. */
export type LayerScaling = z.output<typeof layerScalingSchema>;

const layerAnalysisSchema = z.object({
  path: z.string().describe("Name of the layer"),
  change: z.object(ranks).describe("Accumulated change of the layer's weight, after the step"),
  gradient: z
    .object({
      ...ranks,
      directions: count().optional().describe("2r, where the method has a rank r"),
      share: real().optional().describe("Fraction of the energy in the leading 2r directions"),
      signal: real()
        .optional()
        .describe(
          "φ: cosine of the gradients of the two halves of the step's micro-batches, outside the factors' columns; absent with one micro-batch",
        ),
    })
    .optional()
    .describe("Full gradient of the layer's weight at this step, where it was collected"),
  scaling: layerScalingSchema.optional().describe("The scaling event of the step, where there was one"),
});

/** One adapted layer at an analysed step; docs/analysis.md explains each figure. */
export type LayerAnalysis = z.output<typeof layerAnalysisSchema>;

/** What the analysis measured at one step. */
export const analysisEvent = z
  .object({
    type: z.literal("analysis"),
    step: z.int().min(1).describe("The step that was analysed"),
    seconds: real().describe(
      "Duration of the analysis in seconds; counts towards the run's time, not the step's",
    ),
    layers: z.array(layerAnalysisSchema).describe("The adapted layers"),
  })
  .describe("After a step that `run.analysis` asks for; [analysis.md](analysis.md) explains the figures.");
