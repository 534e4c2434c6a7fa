import type { Encoding, Tokenizer } from "../tokenizer/types.ts";
import type { Example, MarkedText, Span } from "./types.ts";

/** A tokenised text before truncation. */
export interface EncodedText {
  example: Example;
  /** One token holds characters on both sides of where the training begins. */
  straddlesPromptEnd: boolean;
}

/** Tokenises marked texts, many at a time, and carries the marks over to the tokens. */
export class ExampleEncoder {
  private readonly tokenizer: Tokenizer;
  private readonly special = new Map<number, boolean>();

  constructor(tokenizer: Tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** All of one kind: documents take the tokenizer's own special tokens, chats bring theirs. */
  async encode(texts: readonly MarkedText[]): Promise<EncodedText[]> {
    const encodings = await this.encodeKinds(texts);
    const result: EncodedText[] = [];
    for (const [i, text] of texts.entries()) result.push(await this.toExample(text, encodings[i]));
    return result;
  }

  private async encodeKinds(texts: readonly MarkedText[]): Promise<Encoding[]> {
    const result = new Array<Encoding>(texts.length);
    for (const kind of ["document", "chat"] as const) {
      const positions = texts.flatMap((text, i) => (text.kind === kind ? [i] : []));
      if (positions.length === 0) continue;
      const encodings = await this.tokenizer.encodeBatch(
        positions.map((i) => texts[i].text),
        { addSpecialTokens: kind === "document" },
      );
      for (const [k, i] of positions.entries()) result[i] = encodings[k];
    }
    return result;
  }

  private async toExample(
    { text, spans, kind, source }: MarkedText,
    encoding: Encoding,
  ): Promise<EncodedText> {
    const skip = kind === "document" && this.hasDuplicateBos(encoding) ? 1 : 0;
    const ids = encoding.ids.slice(skip);
    // Offsets are dear to fetch, and a text that is trained on whole needs none.
    const isFullyTrained =
      kind === "document" && spans.every(([from, to]) => from === 0 && to === text.length);
    const offsets = isFullyTrained ? [] : encoding.offsets.slice(skip);
    const { labels, straddles } = isFullyTrained
      ? { labels: new Array<number>(ids.length).fill(1), straddles: false }
      : spansToLabelMask(offsets, spans);
    if (kind === "chat")
      for (const span of spans) await this.unlabelAfterEndToken(text, span, ids, offsets, labels);
    const last = spans.at(-1);
    if (last !== undefined && last[1] === text.length) await this.labelFinalEos(kind, ids, labels);
    if (labels.length > 0) labels[0] = 0;
    return {
      example: { ids: Int32Array.from(ids), isLabel: Uint8Array.from(labels), source },
      straddlesPromptEnd: straddles,
    };
  }

  /** A text that spells out its BOS, from a tokenizer that adds one too. */
  private hasDuplicateBos({ ids, offsets }: Encoding): boolean {
    const bos = this.tokenizer.special.bos?.id;
    return bos !== undefined && ids[0] === bos && ids[1] === bos && offsets[0][0] === offsets[0][1];
  }

  /** White space that a template writes after the end token is its own affair: the model has stopped by then. */
  private async unlabelAfterEndToken(
    text: string,
    span: Span,
    ids: number[],
    offsets: Encoding["offsets"],
    labels: number[],
  ): Promise<void> {
    let last = lastTokenBefore(span[1], offsets);
    const end = last;
    while (last >= 0 && text.slice(...offsets[last]).trim() === "" && offsets[last][0] >= span[0]) last--;
    if (last < 0 || offsets[last][0] < span[0] || !(await this.isSpecial(ids[last]))) return;
    labels.fill(0, last + 1, end + 1);
  }

  /** Appends EOS to what ends without: the model learns to stop there. */
  private async labelFinalEos(kind: MarkedText["kind"], ids: number[], labels: number[]): Promise<void> {
    const eos = this.tokenizer.special.eos?.id;
    if (ids.at(-1) === eos) {
      labels[ids.length - 1] = 1;
      return;
    }
    if (eos === undefined || (kind === "chat" && (await this.isSpecial(ids[labels.lastIndexOf(1)])))) return;
    ids.push(eos);
    labels.push(1);
  }

  private async isSpecial(id: number): Promise<boolean> {
    const known = this.special.get(id);
    if (known !== undefined) return known;
    const special = (await this.tokenizer.decode([id], { skipSpecialTokens: true })) === "";
    this.special.set(id, special);
    return special;
  }
}

/** A token is a label when it holds at least one trained character (or, holding none, lies among them). */
function spansToLabelMask(offsets: Encoding["offsets"], spans: readonly Span[]) {
  const labels = new Array<number>(offsets.length).fill(0);
  let straddles = false;
  let next = 0;
  for (const [i, [start, end]] of offsets.entries()) {
    while (next < spans.length && spans[next][1] <= start) next++;
    if (next === spans.length) break;
    const [from] = spans[next];
    if (end <= from && !(start === end && start >= from)) continue;
    labels[i] = 1;
    if (start < from) straddles = true;
  }
  return { labels, straddles };
}

function lastTokenBefore(end: number, offsets: Encoding["offsets"]): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (offsets[middle][0] < end) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
