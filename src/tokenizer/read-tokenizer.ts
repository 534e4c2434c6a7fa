import { existsSync, statSync } from "node:fs";
import { ScaloraError } from "../util/errors.ts";
import { readByteLevelTokenizer } from "./read-byte-level-bpe.ts";
import { readSentencePieceTokenizer } from "./read-sentencepiece.ts";
import { readWordPieceTokenizer } from "./read-wordpiece.ts";
import { findFile } from "./tokenizer-files.ts";
import { readTokenizerJson } from "./tokenizer-json.ts";
import { readTokenizerSettings, type TokenizerSettings } from "./tokenizer-settings.ts";
import type { TokenizerSpec } from "./tokenizer-spec.ts";

/** The files of tokenizers, in order of preference. */
const sources: readonly {
  file: string;
  read: (path: string, settings: TokenizerSettings) => TokenizerSpec;
}[] = [
  { file: "tokenizer.json", read: readTokenizerJson },
  { file: "tokenizer.model", read: readSentencePieceTokenizer },
  { file: "spm.model", read: readSentencePieceTokenizer },
  { file: "spiece.model", read: readSentencePieceTokenizer },
  { file: "vocab.txt", read: readWordPieceTokenizer },
];

/** Spec and settings of a tokenizer. */
export interface TokenizerSource {
  readonly spec: TokenizerSpec;
  readonly settings: TokenizerSettings;
}

/** Reads the tokenizer files of a model folder. */
export function readTokenizerFolder(folder: string): TokenizerSource {
  const settings = readTokenizerSettings(checkFolder(folder));
  return { spec: readTokenizerSpec(folder, settings), settings };
}

function checkFolder(folder: string): string {
  if (existsSync(folder) && statSync(folder).isDirectory()) return folder;
  throw new ScaloraError("usage", "No such model folder", { where: folder });
}

function readTokenizerSpec(folder: string, settings: TokenizerSettings): TokenizerSpec {
  for (const { file, read } of sources) {
    const path = findFile(folder, file);
    if (path !== undefined) return read(path, settings);
  }
  const vocab = findFile(folder, "vocab.json");
  const merges = findFile(folder, "merges.txt");
  if (vocab !== undefined && merges !== undefined) return readByteLevelTokenizer(vocab, merges, settings);
  const lone = vocab ?? merges;
  throw new ScaloraError("usage", "The folder has no tokenizer", {
    where: folder,
    expected: `one of ${sources.map(({ file }) => file).join(", ")}, or vocab.json with merges.txt`,
    found: lone === undefined ? "none of them" : `only ${lone}`,
  });
}
