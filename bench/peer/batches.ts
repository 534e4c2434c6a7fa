import { z } from "zod";
import { Random } from "../../src/util/random.ts";
import { type BenchModel, batchLengths } from "./plan.ts";

/** The batches that all sides read: rows of token ids, with the length of the prompt or the index of a class. */
export const batchesFile = z.array(
  z.array(z.object({ ids: z.array(z.int()), prompt: z.int().optional(), label: z.int().optional() })),
);

export type Batches = z.infer<typeof batchesFile>;

/** Below are a vocabulary's special tokens. */
const firstToken = 1000;

/** Batches of rows of a model's lengths, their tokens and classes drawn at random, the same each time. */
export function makeBatches(model: BenchModel, vocabulary: number): Batches {
  const random = new Random(0);
  return batchLengths(model).map((rows) =>
    rows.map(({ tokens, prompt }) => {
      const ids = Array.from(
        { length: tokens },
        () => firstToken + random.integerBelow(vocabulary - firstToken),
      );
      return { ids, ...(prompt === undefined ? { label: random.integerBelow(2) } : { prompt }) };
    }),
  );
}

/** Tokens of all batches, and with each row padded to the longest of its batch. */
export function countTokens(batches: Batches): { tokens: number; padded: number } {
  const lengths = batches.map((rows) => rows.map(({ ids }) => ids.length));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return { tokens: sum(lengths.flat()), padded: sum(lengths.map((each) => each.length * Math.max(...each))) };
}
