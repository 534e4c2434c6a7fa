import { Tokenizer as LibraryTokenizer } from "tokenizers";
import { elementAt, zip } from "../util/elements.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { formatCount } from "../util/format.ts";
import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { type AssembledTokenizer, assembleTokenizer } from "./assemble-tokenizer.ts";
import { longestText } from "./check-regex.ts";
import { compactMerges } from "./compact-merges.ts";
import { LazyEncoding, type OffsetCorrection } from "./lazy-encoding.ts";
import type { TokenizerSource } from "./read-tokenizer.ts";
import { CharacterNormalizer } from "./sentencepiece-normalizer.ts";
import type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  PairEncoding,
  SpecialTokens,
  TextOrPair,
  Tokenizer,
} from "./tokenizer.ts";
import { tokenizerFormatError } from "./tokenizer-files.ts";
import type { TokenizerSettings } from "./tokenizer-settings.ts";
import { truncatePair } from "./truncate-pair.ts";

/**
 * Builds the tokenizer with the `tokenizers` library.
 * @throws ScaloraError `format` when its parts contradict each other or the library refuses it
 */
export function buildTokenizer({ spec, settings }: TokenizerSource): Tokenizer {
  const { where } = spec;
  const assembly = assembleTokenizer({ ...spec, model: compactMerges(spec.model) }, settings);
  let library: LibraryTokenizer;
  try {
    library = LibraryTokenizer.fromString(assembly.json);
  } catch (cause) {
    throw tokenizerFormatError(
      where,
      "a tokenizer that the tokenizers library can load",
      messageOf(cause),
      cause,
    );
  }
  checkAddedTokens(where, library, assembly);
  return new BackendTokenizer(library, assembly, settings);
}

/** Checks added tokens: the library assigns their ids itself, and aborts the process on one that normalises to nothing. */
function checkAddedTokens(
  where: string,
  library: LibraryTokenizer,
  { addedTokens }: AssembledTokenizer,
): void {
  const normalizer = library.getNormalizer();
  for (const { content, id, normalized } of addedTokens) {
    const assignedId = library.tokenToId(content);
    if (assignedId !== id) {
      throw tokenizerFormatError(
        where,
        `added token ${JSON.stringify(content)} with number ${assignedId}`,
        `${id}`,
      );
    }
    if (normalized && normalizer?.normalizeString(content) === "") {
      throw tokenizerFormatError(where, "added tokens that the normaliser leaves", JSON.stringify(content));
    }
  }
}

class BackendTokenizer implements Tokenizer {
  readonly size: number;
  readonly requiredRows: number;
  readonly special: SpecialTokens;
  readonly chatTemplate: string | undefined;
  readonly chatTemplateFile: string | undefined;
  private readonly library: LibraryTokenizer;
  private readonly cleansUp: boolean;
  private readonly rules: OffsetCorrection;
  private readonly specialIds: ReadonlySet<number>;

  constructor(library: LibraryTokenizer, assembly: AssembledTokenizer, settings: TokenizerSettings) {
    this.library = library;
    this.size = assembly.size;
    this.requiredRows = assembly.requiredRows;
    this.special = assembly.special;
    this.chatTemplate = settings.chatTemplate;
    this.chatTemplateFile = settings.chatTemplateFile;
    this.cleansUp = assembly.cleanUpSpaces;
    const { normalization, byteFallback = false } = assembly.sentencePiece ?? {};
    const raw = assembly.addedTokens.filter(({ normalized }) => !normalized).map(({ content }) => content);
    this.rules = {
      rewriter: normalization && new CharacterNormalizer(normalization, raw),
      byteTokens: byteFallback ? readByteTokens(library) : new Map(),
    };
    this.specialIds = new Set(assembly.addedTokens.flatMap(({ id, special }) => (special ? id : [])));
  }

  async encode(text: string, options: EncodeOptions = {}): Promise<Encoding> {
    return elementAt(await this.encodeBatch([text], options), 0);
  }

  async encodeBatch(
    texts: readonly string[],
    { addSpecialTokens = true }: EncodeOptions = {},
  ): Promise<Encoding[]> {
    if (texts.length === 0) return [];
    const normalized = texts.map(this.normalizeText);
    try {
      const encodings = await this.library.encodeBatch(normalized, { addSpecialTokens });
      return zip(texts, encodings).map(([text, encoding]) => new LazyEncoding(text, encoding, this.rules));
    } catch (cause) {
      throw encodingError(cause);
    }
  }

  async encodePairs(rows: readonly TextOrPair[], maxLength: number): Promise<PairEncoding[]> {
    const normalized = rows.map(
      ([text, pair]) => [this.normalizeText(text), pair && this.normalizeText(pair)] as const,
    );
    try {
      // The library's batch function takes single texts only.
      const encodings = await Promise.all(normalized.map(([text, pair]) => this.library.encode(text, pair)));
      return encodings.map((encoding) => truncatePair(encoding, maxLength));
    } catch (cause) {
      throw cause instanceof ScaloraError ? cause : encodingError(cause);
    }
  }

  async decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: DecodeOptions = {}): Promise<string> {
    const wanted: number[] = [];
    for (const value of Array.from(ids)) {
      const id = checkId(value);
      // Skipped here, since the library keeps special tokens that it matches in normalised text (Llama 2's).
      if (!(skipSpecialTokens && this.specialIds.has(id))) wanted.push(id);
    }
    const text = await this.library.decode(wanted, false);
    return this.cleansUp ? cleanUpTokenization(text) : text;
  }

  idOf(token: string): number | undefined {
    return this.library.tokenToId(token) ?? undefined;
  }

  /** The text as the library gets it. */
  private readonly normalizeText = (text: string): string => {
    checkLength(text);
    return this.rules.rewriter?.normalize(text).text ?? text;
  };
}

function checkLength({ length }: string): void {
  if (length <= longestText) return;
  throw new ScaloraError("data", "A text is too long to be tokenised at once", {
    expected: `at most ${formatCount(longestText)} characters`,
    found: formatCount(length),
    fix: "divide the text into several rows",
  });
}

function readByteTokens(library: LibraryTokenizer): Map<number, number> {
  const result = new Map<number, number>();
  for (let byte = 0; byte < 256; byte++) {
    const id = library.tokenToId(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    if (id !== null) result.set(id, byte);
  }
  return result;
}

function encodingError(cause: unknown): ScaloraError {
  return new ScaloraError("data", "The tokenizer cannot encode the text", { found: messageOf(cause), cause });
}

/** transformers, `clean_up_tokenization`. */
function cleanUpTokenization(text: string): string {
  return text
    .replaceAll(/ ([.?!,])/g, "$1")
    .replaceAll(" ' ", "'")
    .replaceAll(/ (n't|'m|'s|'ve|'re)/g, "$1");
}

/** Checks a token id, which the library would wrap around. */
function checkId(id: number): number {
  const limits = { whole: true, least: 0, most: 2 ** 32 - 1 };
  if (isWithinLimits(id, limits)) return id;
  throw new ScaloraError("data", "Not a token id", {
    expected: limitsText(limits),
    found: `${id}`,
  });
}
