import { expect, test } from "vitest";
import { type FileRefusal, fileRefusal, refusal } from "../testing/refusal.ts";
import { loadExamples } from "./load-examples.ts";
import { jsonl, temporaryFile } from "./testing/files.ts";
import { chatml } from "./testing/templates.ts";
import { WordTokenizer } from "./testing/word-tokenizer.ts";
import type { DataConfig } from "./types.ts";

const good = { role: "user", content: "x" };
const chat = (...messages: unknown[]) => jsonl({ messages });

const load = (path: string, config: Partial<DataConfig>, chatTemplate = chatml) =>
  loadExamples({ train: path, ...config }, new WordTokenizer({ chatTemplate }), { maxLength: 64 });

const cases: [name: string, path: () => string, fields: FileRefusal, config?: Partial<DataConfig>][] = [
  ["a missing file", () => "/no/such.jsonl", { found: expect.stringContaining("ENOENT") }],
  ["a folder", () => "/", { found: expect.stringContaining("a folder") }],
  ["an empty file", () => temporaryFile("e.jsonl", ""), { message: "no rows" }],
  ["a file of blank lines", () => temporaryFile("e.jsonl", "\n \n"), { message: "no rows" }],
  ["an empty text file", () => temporaryFile("e.txt", " \n"), { expected: "running text" }],
  [
    "malformed JSON",
    () => temporaryFile("m.jsonl", '{"text": "a"}\n{"text": "b"\n'),
    { where: ":2", expected: "one JSON object a line (JSONL)" },
  ],
  ["a list", () => temporaryFile("m.jsonl", "[1]\n"), { where: ":1", found: "[1]" }],
  [
    "a file that is one list",
    () => temporaryFile("m.jsonl", '[\n {"text": "a"}\n]\n'),
    { where: ":1", fix: expect.stringContaining("end in .json") },
  ],
  [
    "a broken Parquet file",
    () => temporaryFile("m.parquet", "PAR1\x15"),
    { found: "5 bytes, the end is missing" },
  ],
  [
    "a role that the template does not know",
    () => chat({ role: "human", content: "x" }, { role: "assistant", content: "y" }),
    {
      where: ":1, message 1",
      expected: expect.stringContaining("system, user, assistant, tool"),
      fix: expect.stringContaining('"from" and "value"'),
    },
  ],
  [
    "a misspelt role",
    () => chat({ role: "asistant", content: "x" }),
    { where: ":1, message 1", fix: 'did you mean "assistant"?' },
  ],
  [
    "bytes that are no UTF-8",
    () => temporaryFile("m.jsonl", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d, 10])),
    { where: ":1", message: "UTF-8" },
  ],
  [
    "unknown columns",
    () => jsonl({ q: "", a: "" }),
    { where: ":1", found: "columns q, a", fix: expect.stringContaining("data.columns") },
  ],
  [
    "columns of another format",
    () => jsonl({ text: "" }),
    {
      where: ":1",
      expected: "instruction + output",
      found: "columns text",
      fix: expect.stringContaining("data.columns: { instruction: NAME, output: NAME }"),
    },
    { format: "alpaca" },
  ],
  [
    "columns of one layout of several, but for one",
    () => jsonl({ instruction: "?", output: "" }),
    { where: ":1", message: "needs the column answer", fix: expect.stringContaining("{ answer: NAME }") },
    { format: "gsm8k" },
  ],
  [
    "columns of a format that is only taken by its name",
    () => jsonl({ query: "?", response: "The answer is: 1" }),
    { where: ":1", fix: expect.stringContaining("data.format: metamathqa") },
  ],
  [
    "maths as commonsense",
    () =>
      jsonl(
        { instruction: "Is it?", output: "the correct answer is true", answer: true },
        { instruction: "1+1?", output: "It is 2.", answer: "2" },
      ),
    {
      where: ":2",
      expected: "true, false, or answer, option, ending or solution with a number",
      found: '"2"',
      fix: expect.stringContaining("format: gsm8k"),
    },
    { format: "commonsense" },
  ],
  [
    "completions that are all empty",
    () => jsonl({ prompt: "a", completion: "" }),
    { fix: "give these rows what they lack (in brackets after each), or give another file" },
  ],
  [
    "answers that are all rejected",
    () => jsonl({ prompt: "a", completion: "b", label: false }),
    { found: "1 rejected answer", fix: expect.stringContaining("label is true") },
    { format: "unpaired-preference" },
  ],
  [
    "answers that are all cut off",
    () => jsonl({ prompt: "a b c", completion: "d" }),
    { fix: "raise data.maxLength" },
    { maxLength: 2 },
  ],
  [
    "a mapped column that is not there",
    () => jsonl({ question: "", answer: "" }),
    { where: ":1", message: '"Question"', fix: 'did you mean "question"?' },
    { columns: { prompt: "Question", completion: "answer" } },
  ],
  [
    "a column that is no text",
    () => jsonl({ text: 3 }),
    { where: ":1", message: '"text"', found: "a number" },
  ],
  [
    "a column that ends",
    () => jsonl({ prompt: "a", completion: "b" }, { prompt: "a" }),
    { where: ":2", message: '"completion"', found: "nothing" },
  ],
  [
    "messages that are no list",
    () => jsonl({ messages: "x" }),
    { where: ":1", message: "messages", found: "a string" },
  ],
  ["a message that is no object", () => chat("x"), { where: ":1, message 1", found: "a string" }],
  [
    "a message without a role",
    () => chat({ content: "x" }),
    { where: ":1, message 1", found: "keys content" },
  ],
  [
    "a message without content",
    () => chat(good, { role: "assistant" }),
    { where: ":1, message 2", message: "content", found: "nothing" },
  ],
  [
    "an image",
    () => chat({ role: "user", content: [{ type: "image" }] }),
    { where: ":1, message 1", found: 'type "image"' },
  ],
  [
    "a train flag that is no boolean",
    () => chat({ ...good, train: 1 }),
    { where: ":1, message 1", message: "train flag", found: "1" },
  ],
  [
    "a trained question",
    () => chat({ ...good, train: true }),
    { where: ":1, message 1", expected: expect.stringContaining("train: true") },
  ],
  [
    "an unknown sender",
    () => jsonl({ conversations: [{ from: "humn", value: "" }] }),
    { where: ":1, message 1", fix: 'did you mean "human"?' },
  ],
  [
    "tools that are no list",
    () => jsonl({ messages: [good], tools: "{" }),
    { where: ":1", message: "tools", found: "a string" },
  ],
];

test.each(cases)("%s: a clear error that names the place", async (_, make, fields, config = {}) => {
  const path = make();
  await expect(load(path, config)).rejects.toThrow(fileRefusal("data", path, fields));
});

test("a mapping of an unknown column", async () => {
  const loading = load(jsonl({ question: "", answer: "" }), { columns: { promt: "question" } });
  await expect(loading).rejects.toThrow(refusal("config", { message: '"promt"', fix: '"prompt"' }));
});

test("a length that is none", async () => {
  const loading = load(jsonl({ text: "a" }), { maxLength: 1.5 });
  await expect(loading).rejects.toThrow(refusal("config", { message: "data.maxLength", found: "1.5" }));
});

test("a length above the model's", async () => {
  const loading = load(jsonl({ text: "a" }), { maxLength: 65 });
  await expect(loading).rejects.toThrow(
    refusal("config", { where: "data.maxLength", found: "65", fix: "64" }),
  );
});

test("chat rows without a chat template", async () => {
  const path = chat(good);
  await expect(loadExamples({ train: path }, new WordTokenizer(), { maxLength: 9 })).rejects.toThrow(
    fileRefusal("data", path, { fix: expect.stringContaining("chat_template.jinja") }),
  );
});

test("a chat template that does not parse", async () => {
  const tokenizer = new WordTokenizer({ chatTemplate: "{% if %}" });
  await expect(loadExamples({ train: chat(good) }, tokenizer, { maxLength: 9 })).rejects.toThrow(
    refusal("model", { message: "chat template" }),
  );
});

const answered = [good, { role: "assistant", content: "y" }];

test("a chat template that fails on any messages is at fault itself, not the rows", async () => {
  await expect(load(chat(...answered), {}, "{{ messages | nothing }}")).rejects.toThrow(
    refusal("model", {
      where: "chat template",
      found: /nothing, first for .*:1/,
      fix: "correct the template",
    }),
  );
});

test("rows on which a chat template fails are named, with what it does not find, in a short message", async () => {
  const template = "{% for m in messages %}{{ m.content }}{% if m.x %}{{ m.x.f() }}{% endif %}{% endfor %}";
  const messages = answered.map((message) => ({ ...message, x: "z" }));
  const path = jsonl(...Array.from({ length: 20 }, () => ({ messages })));
  await expect(load(path, {}, template)).rejects.toThrow(
    refusal("data", {
      where: `${path}:1`,
      found: /not a function: got UndefinedValue, and 19 more rows like it: ([^( ]*:\d+, ){10}…$/,
      fix: "complete the messages",
    }),
  );
});

test("JSONL lines end at a line feed only, and the first may carry a byte order mark", async () => {
  const path = temporaryFile("u.jsonl", '\uFEFF{"text": "a\u2028b\u0085c"}\r\n\n{"text": "d"}');
  const { report } = await loadExamples({ train: path }, new WordTokenizer(), { maxLength: 64 });
  expect(report.rows).toBe(2);
});
