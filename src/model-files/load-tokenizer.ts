import { basename } from "node:path";
import { ggufChatTemplate, ggufTokenizer, isGgufFile } from "../gguf/index.ts";
import {
  buildTokenizer,
  readTokenizerFolder,
  readTokenizerSettings,
  type Tokenizer,
  type TokenizerSource,
} from "../tokenizer/index.ts";
import { reportActivity } from "../util/activity.ts";
import { locateModel } from "./locate-model.ts";

/**
 * Loads the tokenizer of a GGUF file, or of a Hugging Face model folder: `tokenizer.json`, a SentencePiece model, BERT's
 * `vocab.txt`, or GPT-2's `vocab.json` with `merges.txt`, the first that is found. `tokenizer_config.json`,
 * `special_tokens_map.json`, `added_tokens.json` and `chat_template.jinja` are applied. The post-processor of `tokenizer.json`
 * takes precedence over `add_bos_token` and `add_eos_token`, except in the Llama and Gemma classes.
 * @param path of the folder or file, or the name of a fetched model
 * @throws ScaloraError `model` where nothing is there, `usage` when there is no tokenizer, `format` when a file is malformed or not supported
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  reportActivity({ what: `reading the tokenizer of ${basename(path)}` });
  return buildTokenizer(readTokenizerSource(locateModel(path)));
}

/** The source of the tokenizer of a model folder or GGUF file. @throws as `loadTokenizer` */
export function readTokenizerSource(path: string): TokenizerSource {
  return isGgufFile(path) ? ggufTokenizer(path) : readTokenizerFolder(path);
}

/** The chat template of a model folder or GGUF file, without its tokenizer. @throws ScaloraError `format` */
export function readChatTemplate(path: string): string | undefined {
  return isGgufFile(path) ? ggufChatTemplate(path) : readTokenizerSettings(path).chatTemplate;
}
