import { z } from "zod";

/** What prepare.py writes: a model's folder, and the token ids of each prompt. */
export const promptsFile = z.object({ folder: z.string(), prompts: z.array(z.array(z.int())) });
