import { z } from "zod";
import { lazyAsset } from "../asset.ts";

/** What a customer can want. */
export const intentNames = ["refund", "exchange", "delivery", "cancel", "invoice", "repair"] as const;
export type Intent = (typeof intentNames)[number];

/** How pressing it is. */
export const urgencyNames = ["low", "normal", "high"] as const;
export type Urgency = (typeof urgencyNames)[number];

/** Phrases or values of each part of the data; none is in two, so what the test says, training never says. */
const pool = z.strictObject({
  train: z.array(z.string()),
  validation: z.array(z.string()),
  test: z.array(z.string()),
});
export type Pool = z.infer<typeof pool>;

/** What the messages are made of; `{product}` and `{order}` in a phrase stand for the values. */
export const phrases = lazyAsset(
  "phrases.json",
  z.strictObject({
    /** The sentences that say what is wanted. */
    intents: z.record(z.enum(intentNames), pool),
    /** What is normal has no words for it. */
    urgencies: z.record(z.enum(urgencyNames), pool),
    /** How the number of the order is named. */
    orderPhrases: pool,
    /** Before the matter. */
    openers: pool,
    /** After the matter. */
    closers: pool,
    /** Things that a shop sells. */
    products: pool,
  }),
);
