import { Random } from "../../util/random.ts";

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

/** 633 words with content and ten that hold sentences together. */
export const english: Lexicon = {
  noun: list(`
    fox boat tree house river stone bird horse king child garden road bridge tower farmer sailor cat dog
    wolf bear lamp door window table chair bottle basket letter book coat hat ring sword drum bell field
    forest hill island lake market village school mill barn wagon sheep goat duck fish apple pear plum
    cherry grape lemon bread butter cheese egg honey salt sugar pepper soup cake pie spoon fork knife plate
    bowl cup kettle oven stove shelf mirror carpet curtain pillow blanket candle clock key lock rope chain
    nail hammer saw axe ladder bucket broom needle thread button pocket glove boot shoe sock shirt belt
    scarf crown cloak shield arrow bow spear flag map coin purse chest trunk barrel jar box bag sack net
    hook anchor sail mast oar canoe ship harbor beach wave shell crab whale seal gull swan goose hen rooster
    pig cow bull calf lamb donkey mule camel lion tiger elephant monkey rabbit hare mouse rat squirrel
    hedgehog badger otter beaver deer elk moose owl hawk eagle raven crow sparrow robin bee ant spider
    beetle moth frog toad snake lizard turtle flower rose lily daisy tulip grass leaf branch root seed
    mushroom meadow valley mountain cave cliff desert stream pond well fountain castle palace temple cottage
    cabin tent inn bakery smithy stable`),
  verb: list(`
    found lost took gave sold bought carried followed watched heard painted built broke washed moved kept
    hid loved feared helped called chased passed touched wanted missed pulled pushed guarded admired
    answered asked attacked avoided awaited baked blamed blessed borrowed brought brushed burned buried
    calmed caught changed checked chose claimed cleaned climbed closed collected counted covered crossed
    cured cut defended described discovered drew dried dropped emptied entered envied examined fed fetched
    filled fixed folded forgave forgot freed gathered greeted hated held hired honored hunted imagined
    inspected invited joined judged kicked kissed knew led left lifted liked mended met mixed named needed
    noticed opened ordered owned packed planted praised protected raised reached remembered repaired rescued
    saved searched served shook showed stole studied thanked threw traded trusted visited`),
  adjective: list(`
    red blue green white black old young big small tall short happy sad quiet loud warm cold bright dark
    strong weak rich poor clean dirty round heavy light brave gentle angry ancient bitter bold broken calm
    careful cheap clever clumsy crooked curious damp deep dull dusty eager empty faint famous fat fierce
    flat foolish fresh friendly frozen funny golden good grand gray greedy hard hollow honest huge hungry
    humble icy jolly kind large lazy little lively lonely long loose lovely lucky mad mighty muddy narrow
    neat new nervous noble noisy odd pale plain pleasant polite pretty proud purple quick rare rough rude
    rusty salty scared sharp shiny shy silent silly silver simple sleepy slim slow smooth soft sour steep
    sticky strange sweet thick thin tiny tired tough ugly wet wicked wide wild wise wooden`),
  adverb: list(`
    quickly slowly today yesterday often never again soon early late gladly sadly quietly loudly alone
    together secretly carefully twice once always seldom sometimes rarely finally suddenly gently boldly
    bravely calmly eagerly easily firmly fondly freely happily honestly kindly lazily lightly nearly neatly
    nervously openly patiently politely proudly safely sharply silently simply softly stubbornly swiftly
    tenderly warmly wisely wildly daily tonight`),
  name: list(`
    anna ben clara david emma frank grace henry ida jack kate leo maria nina oscar paul rosa sam tina victor
    adam agnes albert alice amy arthur bella boris carl carmen cecil chloe cora daniel diana dora edgar
    edith ella eric esther eva felix fiona fred george greta hanna harry hazel helen hugo igor iris ivan
    jane jasper joan john joseph julia karl laura linda louis lucy luke marcus martha mary max mia michael
    molly nancy nora otto peter philip rachel ralph robert roger ruth sarah simon sofia stella susan sylvia
    theo thomas tom ursula vera walter wanda william yvonne`),
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
    { length: 2 + random.integerBelow(2) },
    () => random.pick([..."bdfgklmnprstvz"]) + random.pick([..."aeiou"]),
  );
  return syllables.join("") + (random.integerBelow(3) === 0 ? random.pick([..."lnrs"]) : "");
}
