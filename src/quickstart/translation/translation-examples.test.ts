import { expect, test } from "vitest";
import { zip } from "../../util/elements.ts";
import { Random } from "../../util/random.ts";
import { english, lumi, wordKinds } from "./lexicon.ts";
import {
  drawDictionary,
  drawPretrainingText,
  makeTranslationSplits,
  sentenceLength,
  splitSizes,
} from "./translation-examples.ts";

const wordsOf = (lexicon: ReturnType<typeof english>) => wordKinds.flatMap((kind) => lexicon[kind]);

test("the two languages have as many words of each kind, and none in common", () => {
  for (const kind of wordKinds) expect(lumi()[kind].length).toBe(english()[kind].length);
  const all = [...wordsOf(english()), ...wordsOf(lumi())];
  expect(new Set(all).size).toBe(all.length);
});

test("a dictionary is a permutation of the words of each kind", () => {
  const dictionary = drawDictionary(new Random(3));
  for (const kind of wordKinds) expect([...dictionary[kind]].sort()).toEqual([...lumi()[kind]].sort());
  expect(dictionary.noun).not.toEqual(lumi().noun);
});

test("the task: equal lengths, one dictionary, no sentence twice, the seed decides", () => {
  const task = makeTranslationSplits(7);
  expect(task.train).toHaveLength(splitSizes.train);
  const rows = [...task.train, ...task.validation, ...task.test];
  expect(new Set(rows.map(({ prompt }) => prompt)).size).toBe(rows.length);
  const dictionary = new Map<string, string>();
  for (const { prompt, completion } of rows) {
    const [words, answers] = [prompt.split(" ").slice(0, -3), completion.trim().split(" ")];
    expect([words.length, answers.length]).toEqual([sentenceLength, sentenceLength]);
    for (const [word, answer] of zip(words, answers)) {
      const known = dictionary.get(word) ?? answer;
      expect(answer).toBe(known);
      dictionary.set(word, known);
    }
  }
  expect(makeTranslationSplits(7)).toEqual(task);
  expect(makeTranslationSplits(8).test[0]).not.toEqual(task.test[0]);
});

test("pretraining texts hold one language and repeat it", () => {
  const random = new Random(1);
  const languages = { English: new Set(wordsOf(english())), Lumi: new Set(wordsOf(lumi())) };
  for (let i = 0; i < 200; i++) {
    const words = drawPretrainingText(random, "repeat").split(" ");
    const language = words[sentenceLength + 1] === "English" ? languages.English : languages.Lumi;
    const sentence = words.slice(0, sentenceLength);
    expect(sentence.every((word) => language.has(word))).toBe(true);
    expect(words.slice(sentenceLength + 3)).toEqual(sentence);
  }
});
