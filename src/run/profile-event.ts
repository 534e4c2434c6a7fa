import { z } from "zod";
import { count, real } from "./schema-fields.ts";

/** Of some operators. */
const times = {
  seconds: real().describe("Duration, without the operators that they call"),
  cpu: real().describe("CPU time of their own threads"),
};

/** What a profile of some steps showed. */
export const profileEvent = z
  .object({
    type: z.literal("profile"),
    step: z.int().min(1).describe("The last step that was profiled"),
    steps: z.array(z.int()).describe("The steps that were profiled"),
    warmUp: count().describe("Steps of the process before them"),
    microBatches: count()
      .optional()
      .describe(
        "Micro-batches of each step that were recorded, where it has more; times are those until then",
      ),
    seconds: real().describe("Duration of a step"),
    operators: real().describe("Time in which an operator ran"),
    stalled: real().describe(
      "Part of `operators` in which the operator's own thread was on no CPU: it waited for others, or another process ran",
    ),
    javascript: real().describe("Time in which no operator ran, and JavaScript or autograd's engine did"),
    idle: real().describe("Time in which no operator ran, and the main thread was on no CPU"),
    cpu: real().describe("CPU time of all threads of the process"),
    phases: z
      .array(
        z.object({
          name: z.string().describe("`data`, `forward`, `backward`, `gradients`, `method` or `optimizer`"),
          seconds: real().describe("Duration"),
          outside: z.object(times).describe("Operators of no module"),
        }),
      )
      .describe("The parts of a step"),
    byOperator: z
      .array(
        z.object({
          name: z.string().describe("Name of an operator, or of a node of the backward pass"),
          calls: real().describe("Calls a step"),
          ...times,
        }),
      )
      .describe("Operators, those with the most CPU time first, which a busy machine does not change"),
    byModule: z
      .array(
        z.object({
          path: z.string().describe("Name of the module"),
          forward: z
            .object(times)
            .describe("Its operators in the forward pass, without those of modules within it"),
          backward: z.object(times).describe("The same in the backward pass"),
        }),
      )
      .describe("Modules, in the order in which they ran"),
  })
  .describe(
    "After the last of the steps that `train --profile` looks at. Times are in seconds, means over these steps, which are slower by what recording takes.",
  );

export type ProfileEvent = z.output<typeof profileEvent>;
