import { z } from "zod";

/** What `fuzz-child.ts` is asked to do. */
export const requestSchema = z.object({
  /** Folder of its files; each target has one in it. */
  scratch: z.string(),
  targets: z.array(z.string()),
  /** For each target. */
  budget: z.object({ inputs: z.int(), seconds: z.number() }),
  seed: z.int(),
  /** Whether inputs that reach new code are kept as parents of others. */
  guided: z.boolean(),
});

export type ChildRequest = z.output<typeof requestSchema>;
