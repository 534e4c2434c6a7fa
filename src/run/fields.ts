import { z } from "zod";
import type { Json } from "../util/json.ts";

/** A count: an integer that is not negative. */
export const count = () => z.int().min(0);

/**
 * A number as JSON holds it: null stands for one that is not finite, and is read back as NaN. (A union: what `nullable` and
 * a transform of the whole take is three times as long, and records have many numbers.)
 */
export const real = () => z.union([z.number(), z.null().transform(() => Number.NaN)]);

/** Anything that JSON holds. */
export const json = (): z.ZodType<Json> => z.json();
