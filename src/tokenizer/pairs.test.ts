import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { refusal } from "../testing/refusal.ts";
import { required } from "../util/elements.ts";
import { copyGoldenTokenizer } from "./testing/folders.ts";
import type { TextOrPair } from "./tokenizer.ts";

const path = (...parts: string[]) =>
  fileURLToPath(new URL(`../../test/golden/tokenizers/${parts.join("/")}`, import.meta.url));
const encoding = z.object({ ids: z.array(z.int()), types: z.array(z.int()) });
const fixture = z
  .object({
    pairs: z.array(z.tuple([z.string(), z.string().nullable()])),
    kinds: z.record(
      z.string(),
      z.object({
        config: z.record(z.string(), z.unknown()),
        lengths: z.record(z.string(), z.array(encoding)),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(path("pairs.json"), "utf8")));
const rows = fixture.pairs.map(([text, pair]): TextOrPair => (pair === null ? [text] : [text, pair]));

/** GPT-2's vocabulary with RoBERTa's special tokens at its end. */
function withRobertaTokens(): object {
  const vocabulary: unknown = JSON.parse(readFileSync(path("gpt2", "vocab.json"), "utf8"));
  const known = z.record(z.string(), z.int()).parse(vocabulary);
  const size = Object.keys(known).length;
  const added = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"].map((token, i) => [token, size + i]);
  return { ...known, ...Object.fromEntries(added) };
}

test.each(Object.keys(fixture.kinds))("%s: pairs, types and cuts are transformers'", async (name) => {
  const { config, lengths } = required(fixture.kinds[name], name);
  const folder = copyGoldenTokenizer(name, {
    "tokenizer_config.json": config,
    ...(name === "gpt2" && { "vocab.json": withRobertaTokens() }),
  });
  const tokenizer = await loadTokenizer(folder);
  for (const [length, expected] of Object.entries(lengths)) {
    const found = await tokenizer.encodePairs(rows, Number(length));
    expect(
      found.map(({ ids, tokenTypes }) => ({ ids, types: tokenTypes })),
      length,
    ).toEqual(expected);
    const whole = required(lengths["64"], "64");
    expect(found.map(({ truncated }) => truncated)).toEqual(
      whole.map(({ ids }) => ids.length > Number(length)),
    );
  }
});

test("DeBERTa's published folders name no class: the pieces of spm.model tell the frame", async () => {
  const folder = copyGoldenTokenizer("deberta", {
    "tokenizer_config.json": { do_lower_case: false, vocab_type: "spm" },
  });
  const found = await (await loadTokenizer(folder)).encodePairs(rows, 16);
  expect(found.map(({ ids, tokenTypes }) => ({ ids, types: tokenTypes }))).toEqual(
    fixture.kinds["deberta"]?.lengths["16"],
  );
});

test("a length that special tokens fill is refused", async () => {
  const tokenizer = await loadTokenizer(copyGoldenTokenizer("bert-uncased"));
  await expect(tokenizer.encodePairs([["a", "b"]], 3)).rejects.toThrow(
    refusal("config", { where: "data.maxLength", expected: /^at least 4$/, found: /^3$/ }),
  );
  expect(await tokenizer.encodePairs([], 3)).toEqual([]);
});
