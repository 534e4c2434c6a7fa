import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ggufGenerationConfig, ggufTokenizer, isGgufFile } from "../gguf/index.ts";
import { assembleTokenizer } from "../tokenizer/assemble-tokenizer.ts";
import { statsOf } from "../util/read-file.ts";

/** The files of a model folder, besides config and weights, that other tools need. */
const auxiliaryFileNames = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "tokenizer.model",
  "spm.model",
  "spiece.model",
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "chat_template.json",
  "generation_config.json",
  "LICENSE",
  "LICENSE.txt",
  "NOTICE",
  "USE_POLICY.md",
];

/** The tokenizer, generation and licence files of a model folder, or those that a GGUF file's metadata give. */
export function* auxiliaryFiles(
  path: string,
): Generator<readonly [name: string, content: string | Uint8Array]> {
  if (isGgufFile(path)) yield* auxiliaryFilesFromGguf(path);
  else
    for (const name of auxiliaryFileNames) {
      const source = join(path, name);
      if (statsOf(source)?.isFile()) yield [name, readFileSync(source)];
    }
}

function* auxiliaryFilesFromGguf(path: string): Generator<readonly [string, string]> {
  const { spec, settings } = ggufTokenizer(path);
  const assembly = assembleTokenizer(spec, settings);
  yield ["tokenizer.json", assembly.json];
  yield ["tokenizer_config.json", pretty(tokenizerConfig(assembly.special))];
  if (settings.chatTemplate !== undefined) yield ["chat_template.jinja", settings.chatTemplate];
  yield ["generation_config.json", pretty(ggufGenerationConfig(path))];
}

/** A minimal tokenizer_config.json; everything else is in tokenizer.json. */
function tokenizerConfig(special: ReturnType<typeof assembleTokenizer>["special"]): Record<string, unknown> {
  const named = Object.entries(special).flatMap(([role, token]) =>
    token === undefined ? [] : [[`${role}_token`, token.content] as const],
  );
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    ...Object.fromEntries(named),
    clean_up_tokenization_spaces: false,
  };
}

const pretty = (values: unknown) => `${JSON.stringify(values, null, 2)}\n`;
