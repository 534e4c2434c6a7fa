import { z } from "zod";
import { renderStyles } from "../config/data-formats.ts";
import { integerAtLeast, oneOrMore } from "../schema/field-types.ts";

/** The tasks of a plan. */
export const planTasks = z.strictObject({
  names: z.array(z.string().min(1)).min(1).meta({ expects: "names of tasks (scalora ls tasks)" }),
  data: oneOrMore(z.string().min(1)).meta({ expects: "the folder that holds the tasks' folders" }),
  limit: integerAtLeast(1).optional(),
  render: z.enum(renderStyles).optional(),
  beams: integerAtLeast(1).optional(),
});

export type PlanTasks = z.output<typeof planTasks>;

/** The tasks on which models are scored after training, and how. */
export interface TaskScoring extends PlanTasks {
  /** Seeds whose models are scored. */
  readonly seeds: readonly number[];
}
