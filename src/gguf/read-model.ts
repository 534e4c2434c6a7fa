import { statSync } from "node:fs";
import type { TokenizerSource } from "../tokenizer/read-tokenizer.ts";
import { ScaloraError } from "../util/errors.ts";
import { statsOf } from "../util/read-file.ts";
import { type Architecture, architectures } from "./architectures.ts";
import { readEndTokens } from "./end-tokens.ts";
import { type GgufHeader, readGgufHeader } from "./header.ts";
import { readConfig, readHeads } from "./read-config.ts";
import { chatTemplateOf, readTokenizer } from "./read-tokenizer.ts";
import { specialTokenIds } from "./special-tokens.ts";
import { GgufWeights } from "./weights.ts";

/** Whether a model path names a file, which must then be a GGUF file. */
export function isGgufFile(path: string): boolean {
  return statsOf(path)?.isFile() ?? false;
}

/** A validated file with its architecture. */
interface GgufModelFile {
  readonly header: GgufHeader;
  readonly architectureName: string;
  readonly architecture: Architecture;
}

function adapterFileError(path: string): ScaloraError {
  return new ScaloraError("format", "This GGUF file is an adapter, not a model", {
    where: path,
    expected: "a model",
    found: "an adapter (general.type)",
    fix: "open the model that it belongs to; an adapter is read from its PEFT folder: adapter (--adapter FOLDER)",
  });
}

/** What was read last: config, tokenizer and weights of one model are asked for in turn. */
let latest: { readonly identity: string; readonly header: WeakRef<GgufHeader> } | undefined;

/** The header of a file, which is read anew when the file has changed. */
function headerOf(path: string): GgufHeader {
  const identity = identityOf(path);
  const known = identity !== undefined && latest?.identity === identity ? latest.header.deref() : undefined;
  const header = known ?? readGgufHeader(path);
  if (identity !== undefined) latest = { identity, header: new WeakRef(header) };
  return header;
}

function identityOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && [path, stats.dev, stats.ino, stats.size, stats.ctimeNs, stats.mtimeNs].join("\n");
}

function openModelFile(path: string): GgufModelFile {
  const header = headerOf(path);
  const { metadata } = header;
  const type = metadata.string("general.type") ?? "model";
  if (type === "adapter") throw adapterFileError(path);
  if (type !== "model") throw metadata.invalidValueError("general.type", "model", type);
  const parts = metadata.count("split.count") ?? 1;
  if (parts > 1)
    throw metadata.invalidValueError(
      "split.count",
      "a model in one file (join them with llama-gguf-split --merge)",
      parts,
    );
  const name = metadata.string("general.architecture");
  if (name === undefined) throw metadata.missingKeyError("general.architecture");
  const architecture = architectures.get(name);
  if (architecture === undefined)
    throw metadata.invalidValueError("general.architecture", [...architectures.keys()].join(", "), name);
  return { header, architectureName: name, architecture };
}

/** The `config.json` of a GGUF file's model, as plain values. @throws ScaloraError `format` */
export function ggufConfig(path: string): Record<string, unknown> {
  const { header, architectureName, architecture } = openModelFile(path);
  return readConfig(header, architectureName, architecture);
}

/** The `generation_config.json` of a GGUF file: the special tokens, with every EOS token. @throws ScaloraError `format` */
export function ggufGenerationConfig(path: string): Record<string, unknown> {
  const { header } = openModelFile(path);
  const tokens = specialTokenIds(header.metadata);
  const ends = readEndTokens(header.metadata, tokens["eos_token_id"]);
  if (ends.length === 0) return tokens;
  return { ...tokens, eos_token_id: ends.length === 1 ? ends[0] : ends };
}

/** The tokenizer of a GGUF file, as a model folder's files would specify it. @throws ScaloraError `format` */
export function ggufTokenizer(path: string): TokenizerSource {
  return readTokenizer(openModelFile(path).header.metadata);
}

/** The chat template of a GGUF file, if it has one. @throws ScaloraError `format` */
export function ggufChatTemplate(path: string): string | undefined {
  return chatTemplateOf(openModelFile(path).header.metadata);
}

/** The weights of a GGUF file under their Hugging Face names. @throws ScaloraError `format` */
export function ggufWeights(path: string): GgufWeights {
  const { header, architectureName, architecture } = openModelFile(path);
  return new GgufWeights(header, architecture, readHeads(header, architectureName));
}
