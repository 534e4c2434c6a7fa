import type {
  EncodeOptions,
  Encoding,
  PairEncoding,
  TextOrPair,
  Tokenizer,
} from "../../tokenizer/tokenizer.ts";
import { elementAt } from "../../util/elements.ts";

const specialNames = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<end>"];

interface WordTokenizerOptions {
  chatTemplate?: string;
  /** Whether `encode` puts `<s>` before the text, as Llama's tokenizers do. */
  addsBos?: boolean;
  /** Default `</s>`. */
  eos?: string;
}

/**
 * A small tokenizer for tests: special tokens, words with the space before them, single characters otherwise. Numbers
 * are given out in the order of appearance, so `tokensOf` shows what happened.
 */
export class WordTokenizer implements Tokenizer {
  readonly special: Tokenizer["special"];
  readonly chatTemplate: string | undefined;
  private readonly addsBos: boolean;
  private readonly words: string[] = [...specialNames];

  constructor({ chatTemplate, addsBos = false, eos = "</s>" }: WordTokenizerOptions = {}) {
    this.chatTemplate = chatTemplate;
    this.addsBos = addsBos;
    const named = (content: string) => ({ id: specialNames.indexOf(content), content });
    this.special = { bos: named("<s>"), eos: named(eos) };
  }

  get size(): number {
    return this.words.length;
  }

  async encode(text: string, { addSpecialTokens = true }: EncodeOptions = {}): Promise<Encoding> {
    const ids: number[] = [];
    const offsets: [number, number][] = [];
    if (addSpecialTokens && this.addsBos) {
      ids.push(0);
      offsets.push([0, 0]);
    }
    for (const match of text.matchAll(/<\/?s>|<\|im_(?:start|end)\|>|<end>| ?\w+|./gsu)) {
      ids.push(this.number(match[0]));
      offsets.push([match.index, match.index + match[0].length]);
    }
    return { ids, offsets };
  }

  encodeBatch(texts: readonly string[], options?: EncodeOptions): Promise<Encoding[]> {
    return Promise.all(texts.map((text) => this.encode(text, options)));
  }

  /** `<s>` before the text, `</s>` behind each; the first text is cut. */
  async encodePairs(rows: readonly TextOrPair[], maxLength: number): Promise<PairEncoding[]> {
    const bare = { addSpecialTokens: false };
    return Promise.all(
      rows.map(async ([text, pair]) => {
        const first = (await this.encode(text, bare)).ids;
        const second = pair === undefined ? [] : [...(await this.encode(pair, bare)).ids, 1];
        const kept = first.slice(0, Math.max(0, maxLength - 2 - second.length));
        const tokenTypes = [...kept.map(() => 0), 0, 0, ...second.map(() => 1)];
        return { ids: [0, ...kept, 1, ...second], tokenTypes, truncated: kept.length < first.length };
      }),
    );
  }

  async decode(ids: ArrayLike<number>, { skipSpecialTokens = true } = {}): Promise<string> {
    const first = skipSpecialTokens ? specialNames.length : 0;
    return Array.from(ids, (id) => (id < first ? "" : this.words[id])).join("");
  }

  idOf(token: string): number | undefined {
    const id = this.words.indexOf(token);
    return id < 0 ? undefined : id;
  }

  tokensOf(ids: ArrayLike<number>): string[] {
    return Array.from(ids, (id) => elementAt(this.words, id));
  }

  private number(word: string): number {
    const id = this.words.indexOf(word);
    return id < 0 ? this.words.push(word) - 1 : id;
  }
}
