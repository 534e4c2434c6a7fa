import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { sharedPath } from "../testing/shared-folder.ts";
import type { Tokenizer } from "./index.ts";

const golden = (...parts: string[]) =>
  fileURLToPath(new URL(`../../test/golden/tokenizers/${parts.join("/")}`, import.meta.url));
const readJson = <Schema extends z.ZodType>(path: string, schema: Schema) =>
  schema.parse(JSON.parse(readFileSync(path, "utf8")));

const { texts, long } = readJson(
  golden("texts.json"),
  z.object({ texts: z.array(z.string()), long: z.array(z.tuple([z.string(), z.int()])) }),
);
const fixture = z.object({
  reference: z.string(),
  rows: z.array(
    z
      .object({
        ids: z.array(z.int()),
        /** The decoded text; null when it is the text itself. */
        text: z.string().nullish(),
        offsets: z.array(z.int()).optional(),
      })
      .nullable(),
  ),
  long: z.array(z.tuple([z.int(), z.string()])),
});

const temporary = mkdtempSync(join(tmpdir(), "scalora-tokenizer-"));
afterAll(() => rmSync(temporary, { recursive: true }));

/** Every text of the fixture: ids, and where the reference gives them the offsets and the text decoded again. */
async function compare(tokenizer: Tokenizer, path: string): Promise<void> {
  const expected = readJson(path, fixture);
  // sentencepiece adds nothing around a text on its own.
  const options = { addSpecialTokens: expected.reference !== "sentencepiece" };
  const encodings = await tokenizer.encodeBatch(texts, options);
  expect(expected.rows).toHaveLength(texts.length);
  for (const [i, row] of expected.rows.entries()) {
    if (row === null) continue;
    const name = JSON.stringify(texts[i]);
    expect(encodings[i]?.ids, name).toEqual(row.ids);
    if (row.offsets !== undefined) expect(encodings[i]?.offsets.flat(), name).toEqual(row.offsets);
    if (row.text !== undefined) expect(await tokenizer.decode(row.ids), name).toBe(row.text ?? texts[i]);
  }
  for (const [i, [unit, times]] of long.entries()) {
    const { ids } = await tokenizer.encode(unit.repeat(times), options);
    const hash = createHash("sha256").update(ids.join(",")).digest("hex");
    expect([ids.length, hash], `${times} times ${JSON.stringify(unit)}`).toEqual(expected.long[i]);
  }
}

describe("a small tokenizer of each kind equals its reference on hostile texts", () => {
  test.each(["llama", "gemma", "t5", "deberta", "bert-uncased", "bert-cased", "gpt2", "llama3"])(
    "%s",
    async (name) => {
      await compare(await loadTokenizer(golden(name)), golden(name, "expected.json"));
    },
  );
});

const data = sharedPath("data", "tokenizers");

/** The folder without its tokenizer.json. */
function modelOnly(folder: string): string {
  const copy = mkdtempSync(join(temporary, "model-"));
  for (const file of ["tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"]) {
    copyFileSync(join(folder, file), join(copy, file));
  }
  return copy;
}

describe.skipIf(data === undefined)(
  "a real tokenizer equals its reference (needs ../shared/data/tokenizers)",
  () => {
    const folder = (name: string) => join(data ?? "", name);

    test.each([
      ["llama2-json", () => folder("llama2")],
      ["llama2-model", () => modelOnly(folder("llama2"))],
      ["t5", () => folder("t5")],
      ["bert", () => folder("bert-base-uncased")],
      ["gpt2", () => folder("gpt2")],
    ])("on hostile texts: %s", async (name, path) => {
      await compare(await loadTokenizer(path()), golden("shared", `${name}.json`));
    });

    test.each([
      ["llama_encoded.json", () => folder("llama2")],
      ["llama_encoded.json", () => modelOnly(folder("llama2"))],
      ["t5_base_encoded.json", () => folder("t5")],
      ["bert_uncased_encoded.json", () => folder("bert-base-uncased")],
      ["gpt2_encoded_tokens.json", () => folder("gpt2")],
    ])("on its file in expected_encodings: %s", async (file, path) => {
      const expected = readJson(
        folder(`expected_encodings/${file}`),
        z.object({
          text: z.string(),
          bpe_tokens: z.array(z.string()),
          token_ids: z.array(z.int()),
          decoded_text: z.string(),
        }),
      );
      const tokenizer = await loadTokenizer(path());
      const { ids } = await tokenizer.encode(expected.text);
      expect(ids).toEqual(expected.token_ids);
      const bare = await tokenizer.encode(expected.text, { addSpecialTokens: false });
      expect(bare.ids).toEqual(expected.bpe_tokens.map((token) => tokenizer.idOf(token)));
      expect(await tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(expected.decoded_text);
    });
  },
);
