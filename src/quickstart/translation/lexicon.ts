import { z } from "zod";
import { Random } from "../../util/random.ts";
import { lazyAsset } from "../lazy-asset.ts";

/** Kinds of words; both languages have the same number of each. */
export const wordKinds = [
  "noun",
  "verb",
  "adjective",
  "adverb",
  "name",
  "preposition",
  "article",
  "and",
] as const;
export type WordKind = (typeof wordKinds)[number];

/** A language's words by kind. */
export type Lexicon = Readonly<Record<WordKind, readonly string[]>>;

/** 633 content words and ten function words. */
export const english: () => Lexicon = lazyAsset(
  "english-words.json",
  z.record(z.enum(wordKinds), z.array(z.string())),
);

let invented: Lexicon | undefined;

/** The invented language Lumi, with the same number of words of each kind; always the same words. */
export function lumi(): Lexicon {
  invented ??= inventLexicon();
  return invented;
}

/** Words of the prompts: `… in Lumi :`. */
export const instructionWords = ["in", "English", "Lumi", ":"] as const;

function inventLexicon(): Lexicon {
  const random = new Random(2510);
  const taken = new Set<string>(Object.values(english()).flat());
  const invent = () => {
    for (;;) {
      const word = inventWord(random);
      if (taken.has(word)) continue;
      taken.add(word);
      return word;
    }
  };
  const words = wordKinds.map((kind) => [kind, english()[kind].map(invent)] as const);
  return { ...english(), ...Object.fromEntries(words) };
}

function inventWord(random: Random): string {
  const syllables = Array.from(
    { length: 2 + random.integerBelow(2) },
    () => random.pick([..."bdfgklmnprstvz"]) + random.pick([..."aeiou"]),
  );
  return syllables.join("") + (random.integerBelow(3) === 0 ? random.pick([..."lnrs"]) : "");
}
