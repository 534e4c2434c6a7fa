import { z } from "zod";

/** The batches that both sides read: rows of token ids and the index of a label. */
export const batchesFile = z.array(z.array(z.object({ ids: z.array(z.int()), label: z.int() })));

export type Batches = z.infer<typeof batchesFile>;
