import { existsSync, statSync } from "node:fs";
import { ggufTokenizer, isGgufModel } from "../gguf/index.ts";
import { ScaloraError } from "../util/errors.ts";
import type { Blueprint } from "./blueprint.ts";
import { byteLevelBlueprint } from "./byte-level.ts";
import { findFile } from "./files.ts";
import { sentencePieceBlueprint } from "./sentencepiece.ts";
import { readSettings, type Settings } from "./settings.ts";
import { tokenizerJsonBlueprint } from "./tokenizer-json.ts";
import { wordPieceBlueprint } from "./wordpiece.ts";

/** What a tokenizer is made of, in the order of preference. */
const sources: readonly { file: string; read: (path: string, settings: Settings) => Blueprint }[] = [
  { file: "tokenizer.json", read: tokenizerJsonBlueprint },
  { file: "tokenizer.model", read: sentencePieceBlueprint },
  { file: "spm.model", read: sentencePieceBlueprint },
  { file: "spiece.model", read: sentencePieceBlueprint },
  { file: "vocab.txt", read: wordPieceBlueprint },
];

/** What a tokenizer is built from. */
export interface TokenizerSource {
  readonly blueprint: Blueprint;
  readonly settings: Settings;
}

/** Reads the tokenizer of a GGUF file or of a model folder, without building it. */
export function readTokenizerSource(path: string): TokenizerSource {
  if (isGgufModel(path)) return ggufTokenizer(path);
  return readFolder(path);
}

function readFolder(folder: string): TokenizerSource {
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
