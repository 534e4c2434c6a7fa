import { Random } from "../../util/random.js";

/** Kinds of words; both languages have as many of each. */
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

const list = (text: string) => text.trim().split(/\s+/);

/** 150 words with content and ten that hold sentences together. */
export const english: Lexicon = {
  noun: list(`
    fox boat tree house river stone bird horse king child garden road bridge tower farmer sailor cat dog wolf bear
    lamp door window table chair bottle basket letter book coat hat ring sword drum bell field forest hill island lake
    market village school mill barn wagon sheep goat duck fish`),
  verb: list(`
    saw found lost took gave sold bought carried followed watched heard painted built broke washed moved kept hid loved
    feared helped called chased passed touched wanted missed pulled pushed guarded`),
  adjective: list(`
    red blue green white black old young big small tall short happy sad quiet loud warm cold bright dark strong weak
    rich poor clean dirty round heavy light brave gentle`),
  adverb: list(`
    quickly slowly today yesterday often never again soon early late gladly sadly quietly loudly alone together
    secretly carefully twice once`),
  name: list(`
    anna ben clara david emma frank grace henry ida jack kate leo maria nina oscar paul rosa sam tina victor`),
  preposition: list("near behind under beside above before without"),
  article: list("the a"),
  and: list("and"),
};

/** The made-up language, as many words of each kind; always the same ones. */
export const lumi: Lexicon = inventLexicon();

/** Words that ask for something: `… in Lumi :`. */
export const instructionWords = ["in", "English", "Lumi", ":"] as const;

function inventLexicon(): Lexicon {
  const random = new Random(2510);
  const taken = new Set<string>(Object.values(english).flat());
  const invent = () => {
    for (;;) {
      const word = inventWord(random);
      if (taken.has(word)) continue;
      taken.add(word);
      return word;
    }
  };
  const words = wordKinds.map((kind) => [kind, english[kind].map(invent)] as const);
  return { ...english, ...Object.fromEntries(words) };
}

function inventWord(random: Random): string {
  const syllables = Array.from(
    { length: 2 + random.below(2) },
    () => random.pick([..."bdfgklmnprstvz"]) + random.pick([..."aeiou"]),
  );
  return syllables.join("") + (random.below(3) === 0 ? random.pick([..."lnrs"]) : "");
}
