import { z } from "zod";

/** What export.py writes beside the model: the batches, and facts about them. */
export const aboutFile = z.object({
  /** Of all batches. */
  tokens: z.int(),
  /** The peer's mean loss of the first batch. */
  loss: z.number(),
  /** Whether torch's "medium" precision is fp32 on this machine. */
  mediumIsFp32: z.boolean(),
  batches: z.array(z.array(z.object({ ids: z.array(z.int()), isLabel: z.array(z.int()) }))),
});
