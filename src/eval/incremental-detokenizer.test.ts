import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { sharedPath } from "../testing/shared-folder.ts";
import { byteTokenizer, writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { GraphemeBuffer } from "./grapheme-buffer.ts";
import { IncrementalDetokenizer } from "./incremental-detokenizer.ts";
import { StopSequenceScanner } from "./stop-sequence-scanner.ts";

const hard =
  "naïve — 中文字符, e\u0301te\u0301, 👩‍🚀👩🏽‍🚀 🇩🇪🇫🇷, \u0928\u093f, ﷽\n  tabs\tand \u{1F600}\ufffd end";

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });
const cut = (text: string) => [...graphemes.segment(text)].map(({ segment }) => segment);

/** Pieces of a decoder behind a gate, as `generateText` joins them. */
async function pieces(
  decode: (ids: readonly number[]) => Promise<string>,
  before: number[],
  tokens: number[],
) {
  const decoder = await IncrementalDetokenizer.create(before, decode);
  const gate = new GraphemeBuffer();
  const result: string[] = [];
  for (const token of tokens) result.push(gate.push(await decoder.push(token)));
  result.push(gate.push(await decoder.flush()) + gate.flush());
  return result.filter((piece) => piece !== "");
}

test("bytes become whole characters, and no piece ends within one that people see", async () => {
  const folder = temporaryFolder();
  writeTinyLlama(`${folder.path}/m`);
  const tokenizer = await loadTokenizer(`${folder.path}/m`);
  folder.remove();
  expect(byteTokenizer.model.merges).toEqual([]);
  const { ids } = await tokenizer.encode(hard, { addSpecialTokens: false });
  expect(ids).toEqual([...Buffer.from(hard)]);
  const decode = (some: readonly number[]) => tokenizer.decode(some);
  for (const start of ["", "n", "naïve —", "naïve — 中文字符, e"]) {
    const split = Buffer.byteLength(start);
    const before = ids.slice(0, split);
    const given = await pieces(decode, before, ids.slice(split));
    expect(Buffer.from(given.join("")).toString()).toBe(Buffer.from(ids.slice(split)).toString());
    if (split === 0) expect(given.flatMap(cut)).toEqual(cut(hard));
  }
  const [joined] = await pieces(decode, ids.slice(0, 9), ids.slice(9, 10));
  expect([joined, [...ids.slice(7, 10)]]).toEqual(["—", [...Buffer.from("—")]]);
  const broken = await pieces(decode, [], [0xe4, 0xb8, 0x41, 0xff, 0x42, 0xe4]);
  expect(broken.join("")).toBe("\ufffdA\ufffdB\ufffd");
});

const tokenizers = sharedPath("data", "tokenizers");

test.skipIf(!tokenizers)(
  "pieces of every real tokenizer join to the whole text (needs ../shared/data/tokenizers)",
  async () => {
    const names = readdirSync(tokenizers ?? "", { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    let tried = 0;
    for (const { name } of names) {
      const tokenizer = await loadTokenizer(`${tokenizers}/${name}`).catch(() => undefined);
      if (tokenizer === undefined) continue;
      tried++;
      const { ids } = await tokenizer.encode(hard.replaceAll("\ufffd", ""), { addSpecialTokens: false });
      const decode = (some: readonly number[]) => tokenizer.decode(some);
      for (const split of [0, 3]) {
        const given = await pieces(decode, ids.slice(0, split), ids.slice(split));
        const whole = await decode(ids);
        const start = await decode(ids.slice(0, split));
        if (whole.startsWith(start)) expect(given.join(""), name).toBe(whole.slice(start.length));
      }
    }
    expect(tried).toBeGreaterThan(3);
  },
);

test("a stop text is found across pieces, and what may begin one is held back", () => {
  const scan = (stops: string[], ...given: string[]) => {
    const scanner = new StopSequenceScanner(stops);
    const out = given.map((piece) => (scanner.stopped ? "-" : scanner.push(piece)));
    return [...out, scanner.stopped ? "stop" : scanner.flush()];
  };
  expect(scan(["###"], "a#", "#b", "##", "#c")).toEqual(["a", "##b", "", "", "stop"]);
  expect(scan(["ab", "b"], "xa", "b")).toEqual(["x", "", "stop"]);
  expect(scan(["end"], "the e", "n")).toEqual(["the ", "", "en"]);
  expect(scan([], "a", "b")).toEqual(["a", "b", ""]);
});

test("a line feed is given out at once", () => {
  const gate = new GraphemeBuffer();
  expect([gate.push("ab"), gate.push("\n"), gate.push("e"), gate.push("\u0301"), gate.flush()]).toEqual([
    "a",
    "b\n",
    "",
    "",
    "e\u0301",
  ]);
});
