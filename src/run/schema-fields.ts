import { z } from "zod";
import type { Json } from "../util/json.ts";

/** A count: a non-negative integer. */
export const count = () => z.int().min(0);

/**
 * A number as JSON stores it: null means a non-finite number and is read as NaN. (A union, because `nullable` with a
 * transform takes three times as long, and records have many numbers.)
 */
export const real = () => z.union([z.number(), z.null().transform(() => Number.NaN)]);

/** Any JSON value. */
export const json = (): z.ZodType<Json> => z.json();
