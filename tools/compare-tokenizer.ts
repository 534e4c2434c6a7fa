// Compares the tokenizer of a model folder with what the Python tokenizers make of thousands of hostile texts:
// npx tsx tools/compare-tokenizer.ts MODEL_FOLDER REFERENCE.json
// The reference comes from tools/reference/tokenizer_hostile.py MODEL_FOLDER REFERENCE.json. Prints how many texts are
// equal in ids and in offsets, and the first that differ; exits with 1 when any does.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { loadTokenizer } from "../src/model-files/load-tokenizer.ts";
import { trimOffsets } from "../src/tokenizer/testing/trim-offsets.ts";
import { elementAt } from "../src/util/elements.ts";

const shown = 10;
const [folder = "", path] = process.argv.slice(2);
if (path === undefined) {
  console.error("usage: compare-tokenizer.ts MODEL_FOLDER REFERENCE.json");
  process.exit(2);
}
const { reference, trimmed, texts, rows } = z
  .object({
    reference: z.string(),
    /** Whether spaces at the ends of offsets were left out. */
    trimmed: z.boolean(),
    texts: z.array(z.string()),
    rows: z.array(z.object({ ids: z.array(z.int()), offsets: z.array(z.int()) }).nullable()),
  })
  .parse(JSON.parse(readFileSync(path, "utf8")));

const tokenizer = await loadTokenizer(folder);
const encodings = await tokenizer.encodeBatch(texts, { addSpecialTokens: reference !== "sentencepiece" });
const counts = { compared: 0, ids: 0, offsets: 0, tokens: 0 };
for (const [i, row] of rows.entries()) {
  if (row === null) continue;
  const { ids, offsets } = elementAt(encodings, i);
  const spans = (trimmed ? trimOffsets(elementAt(texts, i), offsets) : offsets).flat();
  const sameIds = `${ids}` === `${row.ids}`;
  const sameOffsets = sameIds && `${spans}` === `${row.offsets}`;
  counts.compared += 1;
  counts.tokens += row.ids.length;
  counts.ids += sameIds ? 0 : 1;
  counts.offsets += sameIds && !sameOffsets ? 1 : 0;
  if (sameOffsets || counts.ids + counts.offsets > shown) continue;
  const [expected, found] = sameIds ? [row.offsets, spans] : [row.ids, ids];
  console.log(`${JSON.stringify(elementAt(texts, i).slice(0, 80))}, ${sameIds ? "offsets" : "ids"}:`);
  console.log(`  expected ${expected.slice(0, 40)}\n  found    ${found.slice(0, 40)}`);
}
console.log(
  `${counts.compared} texts, ${counts.tokens} tokens against ${reference}: ids of ${counts.ids} differ, offsets of ${counts.offsets} more; ${rows.length - counts.compared} left out`,
);
process.exitCode = counts.ids + counts.offsets === 0 ? 0 : 1;
