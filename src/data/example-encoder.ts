import type { Encoding, Tokenizer } from "../tokenizer/tokenizer.ts";
import { elementAt, zip } from "../util/elements.ts";
import type { MarkedText, Span } from "./formats/types.ts";
import type { Example } from "./types.ts";

/** A tokenised text before truncation. */
export interface EncodedText {
  example: Example;
  /** Whether one token holds characters of both the prompt and the completion. */
  straddlesPromptEnd: boolean;
}

/** Tokenises marked texts in batches and converts their marks to label masks. */
export class ExampleEncoder {
  private readonly tokenizer: Tokenizer;
  private readonly special = new Map<number, boolean>();

  constructor(tokenizer: Tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** @param texts all of one kind: documents get the tokenizer's special tokens, chats contain theirs already */
  async encode(texts: readonly MarkedText[]): Promise<EncodedText[]> {
    const encodings = await this.encodeKinds(texts);
    const result: EncodedText[] = [];
    for (const [text, encoding] of zip(texts, encodings)) result.push(await this.toExample(text, encoding));
    return result;
  }

  private async encodeKinds(texts: readonly MarkedText[]): Promise<Encoding[]> {
    const result = new Array<Encoding>(texts.length);
    for (const kind of ["document", "chat"] as const) {
      const some = [...texts.entries()].filter(([, text]) => text.kind === kind);
      if (some.length === 0) continue;
      const encodings = await this.tokenizer.encodeBatch(
        some.map(([, { text }]) => text),
        { addSpecialTokens: kind === "document" },
      );
      for (const [[i], encoding] of zip(some, encodings)) result[i] = encoding;
    }
    return result;
  }

  private async toExample(
    { text, spans, kind, source }: MarkedText,
    encoding: Encoding,
  ): Promise<EncodedText> {
    const skip = kind === "document" && this.hasDuplicateBos(encoding) ? 1 : 0;
    const ids = encoding.ids.slice(skip);
    // Offsets are expensive, and a text that is trained on in full needs none.
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

  /** Whether a text contains its BOS and the tokenizer added another one. */
  private hasDuplicateBos({ ids, offsets }: Encoding): boolean {
    const bos = this.tokenizer.special.bos?.id;
    if (bos === undefined || ids[0] !== bos || ids[1] !== bos) return false;
    const [start, end] = elementAt(offsets, 0);
    return start === end;
  }

  /** Excludes white space after the end token from the labels: in inference the model has stopped by then. */
  private async unlabelAfterEndToken(
    text: string,
    span: Span,
    ids: number[],
    offsets: Encoding["offsets"],
    labels: number[],
  ): Promise<void> {
    const end = lastTokenBefore(span[1], offsets) + 1;
    const last = offsets
      .slice(0, end)
      .findLastIndex(([from, to]) => from < span[0] || text.slice(from, to).trim() !== "");
    if (last < 0 || elementAt(offsets, last)[0] < span[0] || !(await this.isSpecial(elementAt(ids, last))))
      return;
    labels.fill(0, last + 1, end);
  }

  /** Appends EOS, as a label, to a text that does not end with it. */
  private async labelFinalEos(kind: MarkedText["kind"], ids: number[], labels: number[]): Promise<void> {
    const eos = this.tokenizer.special.eos?.id;
    if (ids.at(-1) === eos) {
      labels[ids.length - 1] = 1;
      return;
    }
    if (eos === undefined) return;
    const last = ids[labels.lastIndexOf(1)];
    if (kind === "chat" && last !== undefined && (await this.isSpecial(last))) return;
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

/** A token is a label when it holds at least one trained character, or, if it holds none, is within a trained span. */
function spansToLabelMask(offsets: Encoding["offsets"], spans: readonly Span[]) {
  const labels = new Array<number>(offsets.length).fill(0);
  let straddles = false;
  let next = 0;
  for (const [i, [start, end]] of offsets.entries()) {
    let span = spans[next];
    while (span !== undefined && span[1] <= start) span = spans[++next];
    if (span === undefined) break;
    const [from] = span;
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
    if (elementAt(offsets, middle)[0] < end) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
