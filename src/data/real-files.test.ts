import { expect, test } from "vitest";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { sharedPath } from "../testing/shared-folder.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { elementAt } from "../util/elements.ts";
import { loadExamples } from "./load-examples.ts";
import { maskPreview } from "./mask-preview.ts";
import { chatml } from "./testing/templates.ts";
import type { DataConfig, FileReport } from "./types.ts";

const folder = sharedPath("data", "tokenizers", "llama2");

/** Llama 2's tokenizer with a chat template that takes tools messages. */
async function chatTokenizer(path: string): Promise<Tokenizer> {
  const tokenizer = await loadTokenizer(path);
  return {
    size: tokenizer.size,
    special: tokenizer.special,
    chatTemplate: chatml,
    encode: (text, options) => tokenizer.encode(text, options),
    encodeBatch: (texts, options) => tokenizer.encodeBatch(texts, options),
    encodePairs: (rows, maxLength) => tokenizer.encodePairs(rows, maxLength),
    decode: (ids, options) => tokenizer.decode(ids, options),
    idOf: (token) => tokenizer.idOf(token),
  };
}

const question = { columns: { prompt: "question", completion: "answer" } };
const files: [path: string, config: Partial<DataConfig>, expected: Partial<FileReport>][] = [
  ["sft/alpaca_en_demo.jsonl", {}, { format: "alpaca", rows: 999, ignoredColumns: [] }],
  ["sft/dolly_3k.jsonl", { render: "chat" }, { format: "alpaca", rows: 2996, ignoredColumns: ["category"] }],
  ["sft/glaive_toolcall_en_demo.jsonl", {}, { format: "messages", rows: 300, ignoredColumns: [] }],
  ["math/gsm8k/test.jsonl", question, { format: "prompt-completion", rows: 1319, ignoredColumns: [] }],
  ["commonsense/openbookqa/test.jsonl", {}, { format: "alpaca", rows: 500, ignoredColumns: ["answer"] }],
  ["text/tinyshakespeare.txt", { maxLength: 512 }, { format: "text" }],
  ["text/gutenberg/11-0.txt", { maxLength: 512 }, { format: "text" }],
];

test.skipIf(folder === undefined)("real files load as they are (needs ../shared/data)", async () => {
  const tokenizer = await chatTokenizer(folder ?? "");
  for (const [name, config, expected] of files) {
    const path = sharedPath("data", ...name.split("/")) ?? "";
    const { examples, report } = await loadExamples({ train: path, maxLength: 1024, ...config }, tokenizer, {
      maxLength: 4096,
    });
    expect(report.files, name).toMatchObject([expected]);
    expect(examples.length + report.dropped.length, name).toBe(report.rows);
    expect(report.dropped.length / report.rows, name).toBeLessThan(0.02);
    const first = elementAt(examples, 0);
    const segments = await maskPreview(first, tokenizer);
    const whole = await tokenizer.decode(first.ids, { skipSpecialTokens: false });
    expect(segments.map(({ text }) => text).join(""), name).toBe(whole);
    expect(segments.at(-1)?.isLabel || segments.at(-2)?.isLabel, name).toBe(true);
  }
});
