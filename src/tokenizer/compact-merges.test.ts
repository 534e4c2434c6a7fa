import { Tokenizer as LibraryTokenizer } from "tokenizers";
import { expect, test } from "vitest";
import { byteLevelModel } from "./byte-level-components.ts";
import { compactMerges } from "./compact-merges.ts";

type Merges = readonly (readonly [string, string])[];

/** A model with the tokens of these merges. */
function modelOf(merges: Merges) {
  const tokens = new Set(merges.flatMap(([left, right]) => [...left, ...right, left, right, left + right]));
  return byteLevelModel(new Map([...tokens].map((token, id) => [token, id])), merges, false);
}

/** What the library makes of a text with a model. */
async function tokensOf(model: object, text: string): Promise<string[]> {
  const file = { version: "1.0", truncation: null, padding: null, added_tokens: [], normalizer: null };
  const rest = { pre_tokenizer: null, post_processor: null, decoder: null, model };
  return (await LibraryTokenizer.fromString(JSON.stringify({ ...file, ...rest })).encode(text)).getTokens();
}

const safe: Merges = [
  ["a", "b"],
  ["ab", "c"],
  ["#", "x"],
];

test.each<[string, Merges, string, string[]]>([
  ["a token with a space", [...safe, ["ab", " "], ["ab ", "c"]], "ab cabc", ["ab c", "abc"]],
  ["a first line as files have", [...safe, ["#version", "c"]], "#versionc", []],
])("pairs stay pairs beside %s", async (_, merges, text, expected) => {
  const model = modelOf(merges);
  expect(compactMerges(model)).toBe(model);
  if (expected.length > 0) expect(await tokensOf(model, text)).toEqual(expected);
});

test("merges as texts are the same to the library", async () => {
  const model = modelOf(safe);
  const compact = compactMerges(model);
  expect(compact["merges"]).toEqual(["a b", "ab c", "# x"]);
  for (const text of ["abcab", "#xabc#"]) {
    const tokens = await tokensOf(model, text);
    expect(await tokensOf(compact, text)).toEqual(tokens);
    expect(tokens.length).toBeLessThan(text.length);
  }
  expect(compactMerges(compact)).toBe(compact);
});
