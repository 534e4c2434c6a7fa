import { z } from "zod";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { firstIssue } from "./first-schema-issue.ts";
import { count, json, real } from "./schema-fields.ts";

const extremes = z.array(real()).length(3);

/**
 * What a method did at a step. The fields that scalora reads are typed; a method from a plug-in may add others, with any
 * JSON value.
 */
export const methodReportSchema = z
  .object({
    kind: z.string().optional().describe("`scaling`: a scaling event of ScaLoRA"),
    layers: count().optional().describe("ReLoRA, Flora, LoRA-GA: number of layers affected"),
    branches: z
      .record(z.string(), count())
      .optional()
      .describe("ScaLoRA: number of layers by branch of the solver (docs/scalora.md)"),
    alpha: extremes
      .optional()
      .describe("ScaLoRA: minimum, median and maximum factor of the columns of A, over all layers"),
    beta: extremes.optional().describe("ScaLoRA: the same for the columns of B"),
    rho: real().optional().describe("ScaLoRA: target column norm ρ, mean over layers"),
    lipschitz: real().optional().describe("ScaLoRA: the L that ρ implies, mean over layers"),
    effectiveStep: real().optional().describe("ScaLoRA: effective step u, mean over layers"),
    turnoverA: real().optional().describe("ScaLoRA: turnover τ of A, mean over layers"),
    turnoverB: real().optional().describe("ScaLoRA: turnover τ of B, mean over layers"),
    columnSteps: real()
      .optional()
      .describe("ScaLoRA: column length k, in steps, mean over layers; null at a learning rate of 0"),
    normGrowth: real()
      .optional()
      .describe(
        "ScaLoRA: growth ν of the factors' norm since the last event, as a fraction, mean over layers",
      ),
    growthOverNoise: real()
      .optional()
      .describe("ScaLoRA: growth E of the squared norm over that of a random walk, mean over layers"),
    lossBefore: real()
      .optional()
      .describe(
        "Loss of the step's own batch before the event, when the event changes it; in the unit of a step's loss",
      ),
    lossAfter: real().optional().describe("The same loss after the event"),
    cutMax: real()
      .optional()
      .describe(
        "`base: factored`: energy that the recompression truncates, as a fraction of the merged energy; maximum over layers",
      ),
    cutMean: real().optional().describe("The same, mean over layers"),
    restart: count().optional().describe("ReLoRA: number of this restart"),
    projection: count().optional().describe("Flora: number of this projection"),
    start: z
      .string()
      .optional()
      .describe("LoRA-GA: `gradient` when the factors were initialised from the first gradient"),
  })
  .catchall(json().optional());

/** What a method's hook did, as JSON for the run's record. */
export type MethodReport = z.output<typeof methodReportSchema>;

/**
 * Validates a method's report before it is recorded: a method from a plug-in may be plain JavaScript, and an invalid report
 * should fail at that step, not when the run's report is written.
 * @throws ScaloraError `run` naming the method and the field
 */
export function checkMethodReport(method: string, report: MethodReport): MethodReport {
  const written = asJson(method, report);
  const result = methodReportSchema.safeParse(written);
  if (result.success) return result.data;
  const { key, ...issue } = firstIssue(result.error, written);
  throw new ScaloraError("run", "A method's report does not fit the run's record", {
    where: `method ${method}: ${key}`,
    ...issue,
    fix: "rename the field, or give it the type in docs/run-folder.md",
  });
}

/** A report as it will be read from the record. @throws ScaloraError `run` for what JSON cannot hold */
function asJson(method: string, report: MethodReport): unknown {
  try {
    return JSON.parse(JSON.stringify(report, refuseCode));
  } catch (cause) {
    throw new ScaloraError("run", "A method's report cannot be written as JSON", {
      where: `method ${method}`,
      found: messageOf(cause),
      fix: "return plain data: numbers, texts, lists and objects",
      cause,
    });
  }
}

/** JSON would leave functions and symbols out without a word. */
function refuseCode(key: string, value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol")
    throw new TypeError(`${key || "the report"} is a ${typeof value}`);
  return value;
}
