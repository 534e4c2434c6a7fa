import { expect, test } from "vitest";
import { ScaloraError } from "../util/errors.ts";
import { loadExamples } from "./load-examples.ts";
import { jsonl, temporaryFile } from "./testing/files.ts";
import { chatml } from "./testing/templates.ts";
import { WordTokenizer } from "./testing/word-tokenizer.ts";
import type { DataConfig } from "./types.ts";

const good = { role: "user", content: "x" };
const chat = (...messages: unknown[]) => jsonl({ messages });

const cases: [name: string, path: () => string, message: RegExp, config?: Partial<DataConfig>][] = [
  ["a missing file", () => "/no/such.jsonl", /cannot be opened\n {2}where: {4}\/no\/such\.jsonl\n.*ENOENT/],
  ["a folder", () => "/", /cannot be read\n {2}where: {4}\/\n.*EISDIR/],
  ["an empty file", () => temporaryFile("e.jsonl", ""), /has no rows\n.*e\.jsonl\n/],
  ["a file of blank lines", () => temporaryFile("e.jsonl", "\n \n"), /has no rows/],
  ["an empty text file", () => temporaryFile("e.txt", " \n"), /data file is empty\n.*e\.txt/],
  [
    "malformed JSON",
    () => temporaryFile("m.jsonl", '{"text": "a"}\n{"text": "b"\n'),
    /not valid JSON\n.*m\.jsonl:2\n/,
  ],
  ["a list", () => temporaryFile("m.jsonl", "[1]\n"), /not a JSON object\n.*m\.jsonl:1\n[\s\S]*\[1\]/],
  [
    "a file that is one list",
    () => temporaryFile("m.jsonl", '[\n {"text": "a"}\n]\n'),
    /not valid JSON\n.*m\.jsonl:1\n[\s\S]*fix: .*end in \.json/,
  ],
  [
    "a broken Parquet file",
    () => temporaryFile("m.parquet", "PAR1\x15"),
    /Parquet file is damaged\n.*m\.parquet\n/,
  ],
  [
    "a role that the template does not know",
    () => chat({ role: "human", content: "x" }, { role: "assistant", content: "y" }),
    /role "human"\n.*rows\.jsonl:1, message 1\n.*system, user, assistant, tool[\s\S]*"from" and "value"/,
  ],
  [
    "a misspelt role",
    () => chat({ role: "asistant", content: "x" }),
    /role "asistant"\n[\s\S]*did you mean "assistant"/,
  ],
  [
    "bytes that are no UTF-8",
    () => temporaryFile("m.jsonl", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d, 10])),
    /not UTF-8 text\n.*m\.jsonl:1/,
  ],
  [
    "unknown columns",
    () => jsonl({ q: "", a: "" }),
    /fit no known format\n.*:1\n[\s\S]*columns q, a\n.*data\.columns/,
  ],
  [
    "columns of another format",
    () => jsonl({ text: "" }),
    /format "alpaca" needs the columns instruction, output/,
    { format: "alpaca" },
  ],
  [
    "a mapped column that is not there",
    () => jsonl({ question: "", answer: "" }),
    /column "Question", named in data\.columns, does not exist\n[\s\S]*did you mean "question"/,
    { columns: { prompt: "Question", completion: "answer" } },
  ],
  [
    "a mapping of an unknown column",
    () => jsonl({ question: "", answer: "" }),
    /unknown column "promt"\n[\s\S]*did you mean "prompt"/,
    { columns: { promt: "question" } },
  ],
  ["a column that is no text", () => jsonl({ text: 3 }), /column "text" is not text\n.*:1\n.*\n.*a number/],
  [
    "a column that ends",
    () => jsonl({ prompt: "a", completion: "b" }, { prompt: "a" }),
    /column "completion" is not text\n.*:2\n.*\n.*nothing/,
  ],
  ["messages that are no list", () => jsonl({ messages: "x" }), /not a list\n.*:1\n.*a string/],
  ["a message that is no object", () => chat("x"), /not an object\n.*:1, message 1\n/],
  ["a message without a role", () => chat({ content: "x" }), /has no role\n.*message 1\n[\s\S]*keys content/],
  ["a message without content", () => chat(good, { role: "assistant" }), /content.*not text\n.*message 2\n/],
  [
    "an image",
    () => chat({ role: "user", content: [{ type: "image" }] }),
    /part of a message is not text\n[\s\S]*type "image"/,
  ],
  [
    "a train flag that is no boolean",
    () => chat({ ...good, train: 1 }),
    /train flag is not true or false[\s\S]*1/,
  ],
  [
    "a trained question",
    () => chat({ ...good, train: true }),
    /user message cannot be trained on\n.*message 1/,
  ],
  [
    "an unknown sender",
    () => jsonl({ conversations: [{ from: "humn", value: "" }] }),
    /did you mean "human"/,
  ],
  ["tools that are no list", () => jsonl({ messages: [good], tools: "{" }), /tools of a row are not a list/],
  ["a length that is none", () => jsonl({ text: "a" }), /2 or more\n.*1\.5/, { maxLength: 1.5 }],
];

test.each(cases)("%s: a clear error that ends with exit code 2", async (_, path, message, config = {}) => {
  const loading = loadExamples({ train: path(), ...config }, new WordTokenizer({ chatTemplate: chatml }), {
    maxLength: 64,
  });
  const error: unknown = await loading.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ScaloraError);
  expect(String(error)).toMatch(message);
  expect(error).toHaveProperty("exitCode", 2);
});

test("chat rows without a chat template", async () => {
  await expect(loadExamples({ train: chat(good) }, new WordTokenizer(), { maxLength: 9 })).rejects.toThrow(
    /need a chat template, and the tokenizer has none/,
  );
});

test("a chat template that does not parse", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: "{% if %}" });
  await expect(loadExamples({ train: chat(good) }, tokenizer, { maxLength: 9 })).rejects.toThrow(
    /chat template of the tokenizer cannot be parsed/,
  );
});

test("JSONL lines end at a line feed only, and the first may carry a byte order mark", async () => {
  const path = temporaryFile("u.jsonl", '\uFEFF{"text": "a\u2028b\u0085c"}\r\n\n{"text": "d"}');
  const { report } = await loadExamples({ train: path }, new WordTokenizer(), { maxLength: 64 });
  expect(report.rows).toBe(2);
});
