import { z } from "zod";
import { lazyAsset } from "../lazy-asset.ts";

/** Intents of a customer. */
export const intentNames = ["refund", "delivery", "repair"] as const;
export type Intent = (typeof intentNames)[number];

/** Phrases or values of each split; they are disjoint, so that the test's wording never occurs in training. */
const pool = z.strictObject({
  train: z.array(z.string()),
  validation: z.array(z.string()),
  test: z.array(z.string()),
});
export type Pool = z.infer<typeof pool>;

/** The building blocks of messages; `{product}` and `{order}` in a phrase are placeholders. Each list was split at random. */
export const phrases = lazyAsset(
  "phrases.json",
  z.strictObject({
    /** Sentences that express the intent. */
    intents: z.record(z.enum(intentNames), pool),
    /** Phrases with the order number. */
    orderPhrases: pool,
    /** Opening phrases. */
    openers: pool,
    /** Closing phrases. */
    closers: pool,
    /** Product names. */
    products: pool,
  }),
);
