import { readText } from "../data-files/text-lines.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { ScaloraError } from "../util/errors.ts";
import type { Example } from "./types.ts";

/** Longest piece of a text that is tokenised at once, in UTF-16 code units. */
const pieceLength = 1 << 20;

/**
 * Splits a `.txt` file into windows of `width` tokens so that each token except the first is predicted exactly once: a
 * window starts with BOS where the tokenizer adds one, else with the last token of the previous window. EOS ends the file.
 * @throws ScaloraError `data` for a file without text.
 */
export async function readWindows(path: string, tokenizer: Tokenizer, width: number): Promise<Example[]> {
  const text = readText(path);
  if (text.trim() === "")
    throw new ScaloraError("data", "A data file is empty", { where: path, expected: "running text" });
  const { bos, ids } = await encodeLong(text, tokenizer);
  const head = bos === undefined ? [] : [bos];
  const examples: Example[] = [];
  for (let start = bos === undefined ? 1 : 0; start < ids.length; start += width - 1) {
    const before = bos === undefined ? [ids[start - 1]] : head;
    const window = Int32Array.from([...before, ...ids.slice(start, start + width - 1)]);
    const isLabel = new Uint8Array(window.length).fill(1, 1);
    examples.push({ ids: window, isLabel, source: `${path}:window ${examples.length + 1}` });
  }
  return examples;
}

/** A text's tokens with EOS at their end, and the BOS that the tokenizer adds. */
async function encodeLong(text: string, tokenizer: Tokenizer): Promise<{ bos?: number; ids: number[] }> {
  const [first = "", ...others] = cutText(text);
  const bos = tokenizer.special.bos?.id;
  const eos = tokenizer.special.eos?.id;
  const hasBos = bos !== undefined && (await tokenizer.encode("a")).ids[0] === bos;
  const start = (await tokenizer.encode(first)).ids;
  const ids = hasBos ? start.slice(start.findIndex((id) => id !== bos)) : start;
  if (others.length > 0 && ids.at(-1) === eos) ids.pop();
  for (const piece of others) for (const id of await encodeWithin(piece, tokenizer)) ids.push(id);
  if (eos !== undefined && ids.at(-1) !== eos) ids.push(eos);
  return { ...(hasBos ? { bos } : {}), ids };
}

/** The tokens of a piece that follows a line break, without the space that tokenizers such as Llama 2's put before a text. */
async function encodeWithin(piece: string, tokenizer: Tokenizer): Promise<number[]> {
  const encode = async (text: string) => (await tokenizer.encode(text, { addSpecialTokens: false })).ids;
  const [before, both] = [await encode("\n"), await encode(`\n${piece}`)];
  // Not where the break and what follows are one token.
  return before.every((id, i) => both[i] === id) ? both.slice(before.length) : await encode(piece);
}

/** Splits a text into pieces, after line breaks where possible. */
function cutText(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + pieceLength, text.length);
    if (end < text.length) {
      const line = text.lastIndexOf("\n", end - 1) + 1;
      if (line > start) end = line;
      else if (isLowSurrogate(text.charCodeAt(end))) end--;
    }
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
