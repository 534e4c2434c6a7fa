// Makes a copy of a model's folder whose tokenizer gives every piece the ID of another: the model must learn anew which of its
// embeddings means what, a change that needs high rank. Which ID goes where is drawn from seed 0.
//   npm run tool -- tools/permute-tokens.ts FOLDER OUT_FOLDER FIRST   (the IDs from FIRST on are permuted; stories260K's pieces begin at 259)
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { zip } from "../src/util/elements.ts";
import { Random } from "../src/util/random.ts";

const [folder = "", out = "", firstText = ""] = process.argv.slice(2);
if (!/^\d+$/.test(firstText)) {
  console.error("usage: npm run tool -- tools/permute-tokens.ts FOLDER OUT_FOLDER FIRST");
  process.exit(2);
}
const first = Number(firstText);
const tokenizerFile = z.looseObject({
  model: z.looseObject({ vocab: z.record(z.string(), z.int()) }),
});
cpSync(folder, out, { recursive: true, errorOnExist: true, force: false });
const path = join(out, "tokenizer.json");
const tokenizer = tokenizerFile.parse(JSON.parse(readFileSync(path, "utf8")));
const { vocab } = tokenizer.model;
const ids = Object.values(vocab)
  .filter((id) => id >= first)
  .sort((a, b) => a - b);
const moved = new Map(zip(ids, new Random(0).shuffled(ids)));
for (const [piece, id] of Object.entries(vocab)) vocab[piece] = moved.get(id) ?? id;
writeFileSync(path, JSON.stringify(tokenizer));
