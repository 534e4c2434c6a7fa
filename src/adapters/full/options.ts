import { z } from "zod";

export const fullSchema = z.strictObject({ method: z.literal("full") });
