import { ScaloraError } from "../util/errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Limits of embedding rows without a token; known models have up to 2 % (Phi-2: 905 of 51,200). */
const unusedRowLimits = { share: 0.1, least: 1024 };

/**
 * Refuses a tokenizer that does not belong to the model: tokens without a row, or far more rows than tokens.
 * @param modelVocabSize rows of the model's embedding
 * @param where folder or file of the model, for the message
 * @throws ScaloraError `model`
 */
export function checkVocabulary(
  tokenizer: Pick<Tokenizer, "size" | "requiredRows">,
  modelVocabSize: number,
  where: string,
): void {
  const { size, requiredRows = size } = tokenizer;
  const spare = Math.max(unusedRowLimits.least, unusedRowLimits.share * modelVocabSize);
  if (requiredRows <= modelVocabSize && size >= modelVocabSize - spare) return;
  throw new ScaloraError("model", "The tokenizer does not belong to the model", {
    where,
    expected: `at most ${modelVocabSize} tokens, as many as the model has rows, and not far fewer`,
    found: `${requiredRows} tokens`,
    fix: "take the tokenizer of the same model",
  });
}
