import { z } from "zod";
import { ScaloraError } from "../util/errors.ts";
import { byteLevelComponent, byteLevelModel } from "./byte-level-components.ts";
import { readJson, readText, tokenizerFormatError } from "./tokenizer-files.ts";
import type { TokenizerSettings } from "./tokenizer-settings.ts";
import {
  type Component,
  robertaTemplate,
  type SpecialTokenRole,
  type TokenizerSpec,
  type TokenTemplate,
} from "./tokenizer-spec.ts";

interface ByteLevelClass {
  readonly roles: Partial<Record<SpecialTokenRole, string>>;
  readonly frame: TokenTemplate;
  readonly normalizer: Component | null;
  /** Pre-tokenizer pattern; undefined for GPT-2's. */
  readonly pattern?: string;
}

const noTemplate: TokenTemplate = { before: [], after: [] };
const endOfText = "<|endoftext|>";
const gpt2: ByteLevelClass = {
  roles: { bos: endOfText, eos: endOfText, unk: endOfText },
  frame: noTemplate,
  normalizer: null,
};
/** transformers, `Qwen2Converter`. */
const qwen2Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const supportedClasses: ReadonlyMap<string, ByteLevelClass> = new Map<string, ByteLevelClass>([
  ["GPT2Tokenizer", gpt2],
  [
    "RobertaTokenizer",
    {
      roles: { bos: "<s>", eos: "</s>", unk: "<unk>", pad: "<pad>", cls: "<s>", sep: "</s>", mask: "<mask>" },
      frame: robertaTemplate,
      normalizer: null,
    },
  ],
  [
    "Qwen2Tokenizer",
    {
      roles: { eos: endOfText, unk: endOfText, pad: endOfText },
      frame: noTemplate,
      normalizer: { type: "NFC" },
      pattern: qwen2Pattern,
    },
  ],
]);

const vocabularyFile = z.record(z.string(), z.int().nonnegative());

/**
 * GPT-2's byte-level BPE (`vocab.json` and `merges.txt`) as components of the `tokenizers` library.
 * @throws ScaloraError `format` when a file or the class of the folder is not supported
 */
export function readByteLevelTokenizer(
  vocabPath: string,
  mergesPath: string,
  settings: TokenizerSettings,
): TokenizerSpec {
  const rules = settings.tokenizerClass === undefined ? gpt2 : supportedClasses.get(settings.tokenizerClass);
  if (rules === undefined) {
    throw new ScaloraError("format", "This tokenizer class needs a tokenizer.json", {
      where: settings.where,
      expected: `${[...supportedClasses.keys()].join(", ")}, or no tokenizer_class`,
      found: settings.tokenizerClass,
      fix: "load the tokenizer with transformers, save it, and copy its tokenizer.json into the folder",
    });
  }
  const vocabulary = new Map(Object.entries(readJson(vocabPath, vocabularyFile)));
  checkByteVocabulary(vocabPath, vocabulary);
  const addPrefixSpace = settings.options.add_prefix_space === true;
  const known = Object.entries(rules.roles).filter(([, token]) => vocabulary.has(token));
  return {
    where: vocabPath,
    normalizer: rules.normalizer,
    preTokenizer: buildPreTokenizer(rules, addPrefixSpace),
    decoder: byteLevelComponent(true),
    model: byteLevelModel(vocabulary, readMerges(mergesPath, vocabulary), false),
    vocabulary,
    addedTokens: [],
    specialTokens: Object.fromEntries(known),
    cleanUpSpaces: false,
    template: rules.frame,
  };
}

function buildPreTokenizer({ pattern }: ByteLevelClass, addPrefixSpace: boolean): Component {
  if (pattern === undefined) return byteLevelComponent(addPrefixSpace);
  const split: Component = {
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  };
  return { type: "Sequence", pretokenizers: [split, byteLevelComponent(addPrefixSpace, false)] };
}

/** Requires a token for every byte: without one the `tokenizers` library would drop text silently. */
function checkByteVocabulary(path: string, vocabulary: ReadonlyMap<string, number>): void {
  const missing = bytesToUnicode().filter((character) => !vocabulary.has(character));
  if (missing.length === 0) return;
  const some = missing.slice(0, 8).join(" ");
  throw tokenizerFormatError(
    path,
    "a byte-level vocabulary, with a token for every byte",
    `none for ${missing.length}: ${some}`,
  );
}

/** The characters of the 256 bytes: printable bytes map to themselves, the others from U+0100 on (GPT-2). */
function bytesToUnicode(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
}

function readMerges(path: string, vocabulary: ReadonlyMap<string, number>): [string, string][] {
  const merges: [string, string][] = [];
  for (const [index, line] of readText(path).split(/\r?\n/).entries()) {
    if (line === "" || (index === 0 && line.startsWith("#version"))) continue;
    const where = `${path}:${index + 1}`;
    const [left, right, ...rest] = line.split(" ");
    if (!left || !right || rest.length > 0)
      throw tokenizerFormatError(where, "two tokens with one space between", line);
    for (const token of [left, right, left + right]) {
      if (!vocabulary.has(token))
        throw tokenizerFormatError(where, "tokens of vocab.json", JSON.stringify(token));
    }
    merges.push([left, right]);
  }
  return merges;
}
