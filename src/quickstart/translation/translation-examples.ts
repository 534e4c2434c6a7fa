import { internalError } from "../../util/errors.ts";
import { Random } from "../../util/random.ts";
import { english, type Lexicon, lumi, type WordKind, wordKinds } from "./lexicon.ts";

/** Words per sentence, the same for all sentences, so that batches need no splitting by length. */
export const sentenceLength = 8;

/** The grammar of both languages. */
const patterns: readonly (readonly WordKind[])[] = [
  ["article", "adjective", "noun", "verb", "article", "adjective", "noun", "adverb"],
  ["article", "noun", "and", "article", "noun", "verb", "article", "noun"],
  ["article", "noun", "verb", "article", "noun", "preposition", "article", "noun"],
  ["adverb", "article", "adjective", "noun", "verb", "article", "adjective", "noun"],
  ["name", "and", "name", "verb", "article", "adjective", "noun", "adverb"],
  ["name", "verb", "name", "preposition", "article", "adjective", "adjective", "noun"],
];

/** A sentence in both languages: words by kind and index in the lexicon. */
export type Sentence = readonly { readonly kind: WordKind; readonly index: number }[];

function drawSentence(random: Random): Sentence {
  return random.pick(patterns).map((kind) => ({ kind, index: random.integerBelow(english()[kind].length) }));
}

/** The sentence in a language's words. */
function renderSentence(sentence: Sentence, lexicon: Lexicon): string {
  return sentence.map(({ kind, index }) => lexicon[kind][index]).join(" ");
}

/** Draws the Lumi word for each English word: a permutation of the words of each kind. */
export function drawDictionary(random: Random): Lexicon {
  const shuffled = wordKinds.map((kind) => [kind, random.shuffled(lumi()[kind])] as const);
  return { ...lumi(), ...Object.fromEntries(shuffled) };
}

/** A question and its answer, as a line of a JSONL file. */
export interface Row {
  readonly prompt: string;
  readonly completion: string;
}

/** The prompt that asks for a translation. */
export const translationPrompt = (sentence: string, language: "English" | "Lumi") =>
  `${sentence} in ${language} :`;

export interface TranslationSplits {
  readonly train: Row[];
  readonly validation: Row[];
  readonly test: Row[];
}

/** Number of rows in each split. */
export const splitSizes = { train: 4000, validation: 256, test: 512 } as const;

/**
 * English to Lumi, word by word with a dictionary drawn from the seed. All sentences are distinct, within and across splits.
 */
export function makeTranslationSplits(seed: number): TranslationSplits {
  const random = new Random(seed);
  const dictionary = drawDictionary(random);
  const seen = new Set<string>();
  const rows = (count: number): Row[] => {
    const result: Row[] = [];
    for (let tries = 0; result.length < count; tries++) {
      if (tries > 10 * count) throw internalError("the grammar has too few sentences");
      const sentence = drawSentence(random);
      const text = renderSentence(sentence, english());
      if (seen.has(text)) continue;
      seen.add(text);
      result.push({
        prompt: translationPrompt(text, "Lumi"),
        completion: ` ${renderSentence(sentence, dictionary)}`,
      });
    }
    return result;
  };
  return {
    test: rows(splitSizes.test),
    validation: rows(splitSizes.validation),
    train: rows(splitSizes.train),
  };
}

/** A plain sentence, or a prompt to repeat one. */
export type PretrainingKind = "plain" | "repeat";

/** Pretraining text of the tiny model. It does not reveal which words of the two languages correspond. */
export function drawPretrainingText(random: Random, kind: PretrainingKind): string {
  const language = random.pick(["English", "Lumi"] as const);
  const text = renderSentence(drawSentence(random), language === "English" ? english() : lumi());
  return kind === "plain" ? text : `${translationPrompt(text, language)} ${text}`;
}
