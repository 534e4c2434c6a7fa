import { z } from "zod";

/** What a side is told, as a file: the model's folder, the adapter to start from, the batches, all of them paths. */
export const jobFile = z.object({
  model: z.string(),
  adapter: z.string(),
  batches: z.string(),
  task: z.enum(["chat", "classification"]),
  dtype: z.enum(["float32", "bfloat16"]),
});

export type Job = z.infer<typeof jobFile>;

/** What a side answers. */
export const sideAnswer = z.object({
  /** Seconds of all its threads, and on the clock. */
  cpu: z.number(),
  wall: z.number(),
  /** Pages that the system gave it meanwhile without reading a disk. */
  minorFaults: z.number(),
  /** The most memory that the process has held so far. */
  peakMiB: z.number(),
  /** One for each batch. */
  losses: z.array(z.number()),
  /** What it chose on this machine. */
  note: z.string(),
});

export type SideAnswer = z.infer<typeof sideAnswer>;
