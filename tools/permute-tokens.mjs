// Makes a copy of a model's folder whose tokenizer gives every piece the ID of another: the model must learn anew which of its
// embeddings means what, a change that needs high rank. Which ID goes where is drawn from seed 0.
//   node tools/permute-tokens.mjs FOLDER OUT_FOLDER FIRST   (the IDs from FIRST on are permuted; stories260K's pieces begin at 259)
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../dist/util/random.js";

const [folder, out, first] = process.argv.slice(2);
if (first === undefined) {
  console.error("usage: node tools/permute-tokens.mjs FOLDER OUT_FOLDER FIRST");
  process.exit(2);
}
cpSync(folder, out, { recursive: true, errorOnExist: true, force: false });
const path = join(out, "tokenizer.json");
const tokenizer = JSON.parse(readFileSync(path, "utf8"));
const { vocab } = tokenizer.model;
const ids = Object.values(vocab)
  .filter((id) => id >= Number(first))
  .sort((a, b) => a - b);
const drawn = new Random(0).shuffled(ids);
const moved = new Map(ids.map((id, i) => [id, drawn[i]]));
for (const [piece, id] of Object.entries(vocab)) vocab[piece] = moved.get(id) ?? id;
writeFileSync(path, JSON.stringify(tokenizer));
