import { Tokenizer as LibraryTokenizer } from "tokenizers";
import { messageOf, ScaloraError } from "../util/errors.ts";
import type { Assembly } from "./assemble.ts";
import { BuiltEncoding, type OffsetRules } from "./encoding.ts";
import { malformed } from "./files.ts";
import { Rewriter } from "./rewrite.ts";
import { cutPair } from "./truncate.ts";
import type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  PairEncoding,
  SpecialTokens,
  TextOrPair,
  Tokenizer,
} from "./types.ts";

/**
 * Builds the tokenizer with the `tokenizers` library.
 * @throws ScaloraError `format` when the library refuses it
 */
export function build(where: string, assembly: Assembly, chatTemplate: string | undefined): Tokenizer {
  let library: LibraryTokenizer;
  try {
    library = LibraryTokenizer.fromString(assembly.json);
  } catch (cause) {
    throw malformed(where, "a tokenizer that the tokenizers library can load", messageOf(cause), cause);
  }
  checkAdded(where, library, assembly);
  return new BuiltTokenizer(library, assembly, chatTemplate);
}

/** The library numbers added tokens itself, and aborts the process on ones that normalise to nothing. */
function checkAdded(where: string, library: LibraryTokenizer, { added }: Assembly): void {
  const normalizer = library.getNormalizer();
  for (const { content, id, normalized } of added) {
    const given = library.tokenToId(content);
    if (given !== id) {
      throw malformed(where, `added token ${JSON.stringify(content)} with number ${given}`, `${id}`);
    }
    if (normalized && normalizer?.normalizeString(content) === "") {
      throw malformed(where, "added tokens that the normaliser leaves", JSON.stringify(content));
    }
  }
}

class BuiltTokenizer implements Tokenizer {
  readonly size: number;
  readonly requiredRows: number;
  readonly special: SpecialTokens;
  readonly chatTemplate: string | undefined;
  private readonly library: LibraryTokenizer;
  private readonly cleansUp: boolean;
  private readonly rules: OffsetRules;
  private readonly specialIds: ReadonlySet<number>;

  constructor(library: LibraryTokenizer, assembly: Assembly, chatTemplate: string | undefined) {
    this.library = library;
    this.size = assembly.size;
    this.requiredRows = assembly.requiredRows;
    this.special = assembly.special;
    this.chatTemplate = chatTemplate;
    this.cleansUp = assembly.cleansUp;
    const { characters, byteFallback = false } = assembly.sentencePiece ?? {};
    const raw = assembly.added.filter(({ normalized }) => !normalized).map(({ content }) => content);
    this.rules = {
      rewriter: characters && new Rewriter(characters, raw),
      bytes: byteFallback ? byteTokens(library) : new Map(),
    };
    this.specialIds = new Set(assembly.added.flatMap(({ id, special }) => (special ? id : [])));
  }

  async encode(text: string, options: EncodeOptions = {}): Promise<Encoding> {
    const [encoding] = await this.encodeBatch([text], options);
    return encoding;
  }

  async encodeBatch(
    texts: readonly string[],
    { addSpecialTokens = true }: EncodeOptions = {},
  ): Promise<Encoding[]> {
    if (texts.length === 0) return [];
    try {
      const encodings = await this.library.encodeBatch(texts.map(this.given), { addSpecialTokens });
      return encodings.map((encoding, i) => new BuiltEncoding(texts[i], encoding, this.rules));
    } catch (cause) {
      throw cannotEncode(cause);
    }
  }

  async encodePairs(rows: readonly TextOrPair[], maxLength: number): Promise<PairEncoding[]> {
    try {
      // The library's own batches take single texts only.
      const encodings = await Promise.all(
        rows.map(([text, pair]) => this.library.encode(this.given(text), pair && this.given(pair))),
      );
      return encodings.map((encoding) => cutPair(encoding, maxLength));
    } catch (cause) {
      throw cause instanceof ScaloraError ? cause : cannotEncode(cause);
    }
  }

  async decode(ids: ArrayLike<number>, { skipSpecialTokens = true }: DecodeOptions = {}): Promise<string> {
    const wanted: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = checkId(ids[i]);
      // Left out here: the library keeps special tokens that it matches in normalised text (Llama 2's).
      if (!(skipSpecialTokens && this.specialIds.has(id))) wanted.push(id);
    }
    const text = await this.library.decode(wanted, false);
    return this.cleansUp ? cleanUp(text) : text;
  }

  idOf(token: string): number | undefined {
    return this.library.tokenToId(token) ?? undefined;
  }

  /** What the library is given of a text. */
  private readonly given = (text: string): string => this.rules.rewriter?.rewrite(text).text ?? text;
}

function byteTokens(library: LibraryTokenizer): Map<number, number> {
  const result = new Map<number, number>();
  for (let byte = 0; byte < 256; byte++) {
    const id = library.tokenToId(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
    if (id !== null) result.set(id, byte);
  }
  return result;
}

function cannotEncode(cause: unknown): ScaloraError {
  return new ScaloraError("data", "The tokenizer cannot encode the text", { found: messageOf(cause), cause });
}

/** transformers, `clean_up_tokenization`. */
function cleanUp(text: string): string {
  return text
    .replaceAll(/ ([.?!,])/g, "$1")
    .replaceAll(" ' ", "'")
    .replaceAll(/ (n't|'m|'s|'ve|'re)/g, "$1");
}

/** The library would wrap numbers around. */
function checkId(id: number): number {
  if (Number.isInteger(id) && id >= 0 && id < 2 ** 32) return id;
  throw new ScaloraError("data", "Not a token number", {
    expected: "an integer from 0 to 2^32 − 1",
    found: `${id}`,
  });
}
