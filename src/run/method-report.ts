import { z } from "zod";
import { ScaloraError } from "../util/errors.ts";
import { count, json, real } from "./fields.ts";
import { firstIssue } from "./schema-issue.ts";

const extremes = z.array(real()).length(3);

/**
 * What a method did at a step. The fields that readers know are typed; a method from outside adds its own beside them, any
 * JSON, under other names.
 */
export const methodReportSchema = z
  .object({
    kind: z.string().optional().describe("`scaling`: a scaling event of ScaLoRA"),
    layers: count().optional().describe("ReLoRA, Flora, LoRA-GA: how many layers took part"),
    branches: z
      .record(z.string(), count())
      .optional()
      .describe("ScaLoRA: how many layers took each branch of the solver (docs/scalora.md)"),
    alpha: extremes
      .optional()
      .describe("ScaLoRA: least, median and largest factor of the columns of A, over all layers"),
    beta: extremes.optional().describe("ScaLoRA: the same of the columns of B"),
    rho: real().optional().describe("ScaLoRA: column norm aimed at, mean over layers"),
    lipschitz: real().optional().describe("ScaLoRA: the L that ρ implies, mean over layers"),
    effectiveStep: real().optional().describe("ScaLoRA: effective step u, mean over layers"),
    turnoverA: real().optional().describe("ScaLoRA: turnover τ of A, mean over layers"),
    turnoverB: real().optional().describe("ScaLoRA: turnover τ of B, mean over layers"),
    lossBefore: real()
      .optional()
      .describe("Loss of the step's own batch before the event, where the event moves it; as of a step"),
    lossAfter: real().optional().describe("The same loss after the event"),
    cutMax: real()
      .optional()
      .describe(
        "`base: factored`: energy that the recompression cut off, as a fraction of what was merged; largest of the layers",
      ),
    cutMean: real().optional().describe("The same, mean over layers"),
    restart: count().optional().describe("ReLoRA: number of this restart"),
    projection: count().optional().describe("Flora: number of this projection"),
    start: z
      .string()
      .optional()
      .describe("LoRA-GA: `gradient` where the factors were begun from the first gradient"),
  })
  .catchall(json());

/** What a method's hook did, as plain data for the run's record. */
export type MethodReport = z.output<typeof methodReportSchema>;

/**
 * The report as the record's readers will get it. A method from outside may be plain JavaScript: what it reports wrongly is
 * told when it happens, not by the report of a run that has ended.
 * @throws ScaloraError `run` naming the method and the field
 */
export function checkMethodReport(method: string, report: MethodReport): MethodReport {
  const written: unknown = JSON.parse(JSON.stringify(report));
  const result = methodReportSchema.safeParse(written);
  if (result.success) return result.data;
  const { key, ...issue } = firstIssue(result.error, written);
  throw new ScaloraError("run", "A method reports what the run's record does not take", {
    where: `method ${method}: ${key}`,
    ...issue,
    fix: "give the field another name, or the type that docs/run-folder.md says",
  });
}
