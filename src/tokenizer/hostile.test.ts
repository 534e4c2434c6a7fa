import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { sharedPath } from "../testing/shared-folder.ts";
import { required, zip } from "../util/elements.ts";
import type { Encoding } from "./index.ts";
import { copyGoldenTokenizer, writeTokenizerFolder } from "./testing/folders.ts";
import { trimOffsets } from "./testing/trim-offsets.ts";

const fixture = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../test/golden/tokenizers/hostile/${name}`, import.meta.url)));

const { texts, long } = z
  .object({ texts: z.array(z.string()), long: z.array(z.tuple([z.string(), z.int()])) })
  .parse(JSON.parse(gunzipSync(fixture("texts.json.gz")).toString()));
const all = [...texts, ...long.map(([unit, times]) => unit.repeat(times))];

const { kinds } = z
  .object({ kinds: z.record(z.string(), z.object({ reference: z.string(), digests: z.string() })) })
  .parse(JSON.parse(fixture("expected.json").toString()));

/** Of a text that two libraries read differently on purpose (tools/reference/tokenizer_hostile.py). */
const leftOut = Buffer.alloc(4);

function digest(ids: Encoding["ids"], offsets: Encoding["offsets"]): Buffer {
  return createHash("sha256")
    .update(`${ids.join(",")};${offsets.flat().join(",")}`)
    .digest()
    .subarray(0, 4);
}

/** The texts whose ids or offsets differ from the reference's, shortened; and how many were compared. */
async function compare(folder: string, kind: string) {
  const { reference, digests } = required(kinds[kind], kind);
  const expected = Buffer.from(digests, "base64");
  expect(expected).toHaveLength(4 * all.length);
  const plain = reference === "sentencepiece";
  const tokenizer = await loadTokenizer(folder);
  const encodings = await tokenizer.encodeBatch(all, { addSpecialTokens: !plain });
  const wrong: string[] = [];
  let compared = 0;
  for (const [i, [text, { ids, offsets }]] of zip(all, encodings).entries()) {
    const wanted = expected.subarray(4 * i, 4 * i + 4);
    if (wanted.equals(leftOut)) continue;
    compared += 1;
    const found = digest(ids, plain ? trimOffsets(text, offsets) : offsets);
    if (!found.equals(wanted)) wrong.push(JSON.stringify(text.slice(0, 80)));
  }
  return { wrong, compared };
}

describe("ids and offsets of more than 2,000 hostile texts equal the Python tokenizers'", () => {
  test.each(Object.keys(kinds).filter((kind) => !kind.startsWith("real")))("small %s", async (kind) => {
    const { wrong, compared } = await compare(copyGoldenTokenizer(kind), kind);
    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(2000);
  });
});

const data = sharedPath("data", "tokenizers");

/** A real tokenizer's folder, without its `tokenizer.json` when only the SentencePiece model is meant. */
function realFolder(kind: string): string {
  const [name = "", only] = kind.replace("real ", "").split(", its ");
  const source = join(data ?? "", name);
  if (only === undefined) return source;
  const copy = writeTokenizerFolder({});
  for (const file of readdirSync(source)) {
    if (file !== "tokenizer.json") copyFileSync(join(source, file), join(copy, file));
  }
  return copy;
}

describe.skipIf(data === undefined)(
  "a real tokenizer equals Python's on hostile texts (needs ../shared/data/tokenizers)",
  () => {
    test.each(Object.keys(kinds).filter((kind) => kind.startsWith("real")))("%s", async (kind) => {
      const { wrong, compared } = await compare(realFolder(kind), kind);
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(2000);
    });
  },
);
