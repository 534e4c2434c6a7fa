import { z } from "zod";
import type { AnalysisEvent, RunEvent } from "../run/events.ts";
import { ScaloraError } from "../util/errors.ts";

const ranks = { rank: z.int().min(0), entropyRank: z.number(), complete: z.boolean() };
const quantiles = z.array(z.number()).length(5);

const schema = z.object({
  type: z.literal("analysis"),
  step: z.int().min(1),
  seconds: z.number().min(0),
  layers: z.array(
    z.object({
      path: z.string(),
      change: z.object(ranks),
      gradient: z
        .object({ ...ranks, directions: z.int().optional(), share: z.number().optional() })
        .optional(),
      scaling: z
        .object({
          branch: z.string(),
          branches: z.object({ default: z.string(), paper: z.string(), scalar: z.string() }),
          alpha: quantiles.optional(),
          beta: quantiles.optional(),
          distance: z.object({ unscaled: z.number(), chosen: z.number(), optimum: z.number() }).optional(),
        })
        .optional(),
    }),
  ),
});

/** What a run's events say of its analysis, by step. @throws ScaloraError `format` for a record that is damaged */
export function parseAnalysisEvents(events: readonly RunEvent[], where: string): AnalysisEvent[] {
  return events
    .filter(({ type }) => type === "analysis")
    .map((event) => {
      const parsed = schema.safeParse(event);
      if (parsed.success) return parsed.data;
      const [issue] = parsed.error.issues;
      throw new ScaloraError("format", "A record of the run's analysis is damaged", {
        where: `${where}, step ${event.step}: ${issue.path.join(".")}`,
        found: issue.message,
        fix: "restore the file, or remove this line from it: the other records do not need it",
      });
    });
}
