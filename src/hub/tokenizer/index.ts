import { existsSync, statSync } from "node:fs";
import { ScaloraError } from "../../util/errors.js";
import { ggufTokenizer, isGgufModel } from "../gguf/index.js";
import { assemble } from "./assemble.js";
import type { Blueprint } from "./blueprint.js";
import { byteLevelBlueprint } from "./byte-level.js";
import { findFile } from "./files.js";
import { build } from "./library.js";
import { sentencePieceBlueprint } from "./sentencepiece.js";
import { readSettings, type Settings } from "./settings.js";
import { tokenizerJsonBlueprint } from "./tokenizer-json.js";
import type { Tokenizer } from "./types.js";
import { wordPieceBlueprint } from "./wordpiece.js";

export { checkVocabulary } from "./check-vocabulary.js";
export type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  PairEncoding,
  SpecialToken,
  SpecialTokens,
  TextOrPair,
  Tokenizer,
} from "./types.js";

/** What a tokenizer is made of, in the order of preference. */
const sources: readonly { file: string; read: (path: string, settings: Settings) => Blueprint }[] = [
  { file: "tokenizer.json", read: tokenizerJsonBlueprint },
  { file: "tokenizer.model", read: sentencePieceBlueprint },
  { file: "spm.model", read: sentencePieceBlueprint },
  { file: "spiece.model", read: sentencePieceBlueprint },
  { file: "vocab.txt", read: wordPieceBlueprint },
];

/**
 * Loads the tokenizer of a GGUF file, or of a Hugging Face model folder: `tokenizer.json`, a SentencePiece model, BERT's `vocab.txt`, or
 * GPT-2's `vocab.json` with `merges.txt`, the first that is there. `tokenizer_config.json`, `special_tokens_map.json`,
 * `added_tokens.json` and `chat_template.jinja` are applied; with `tokenizer.json`, its post-processor wins over
 * `add_bos_token` and `add_eos_token` but in the Llama and Gemma classes.
 * @throws ScaloraError `usage` when there is no tokenizer, `format` when a file is malformed or not supported
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const { blueprint, settings } = isGgufModel(folder) ? ggufTokenizer(folder) : readFolder(folder);
  return build(blueprint.where, assemble(blueprint, settings), settings.chatTemplate);
}

function readFolder(folder: string): { blueprint: Blueprint; settings: Settings } {
  const settings = readSettings(checkFolder(folder));
  return { blueprint: readBlueprint(folder, settings), settings };
}

function checkFolder(folder: string): string {
  if (existsSync(folder) && statSync(folder).isDirectory()) return folder;
  throw new ScaloraError("usage", "No such model folder", { where: folder });
}

function readBlueprint(folder: string, settings: Settings): Blueprint {
  for (const { file, read } of sources) {
    const path = findFile(folder, file);
    if (path !== undefined) return read(path, settings);
  }
  const vocab = findFile(folder, "vocab.json");
  const merges = findFile(folder, "merges.txt");
  if (vocab !== undefined && merges !== undefined) return byteLevelBlueprint(vocab, merges, settings);
  const lone = vocab ?? merges;
  throw new ScaloraError("usage", "The folder has no tokenizer", {
    where: folder,
    expected: `one of ${sources.map(({ file }) => file).join(", ")}, or vocab.json with merges.txt`,
    found: lone === undefined ? "none of them" : `only ${lone}`,
  });
}
