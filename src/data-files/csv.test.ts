import { expect, test } from "vitest";
import { loadExamples } from "../data/load-examples.ts";
import { temporaryFile } from "../data/testing/files.ts";
import { WordTokenizer } from "../data/testing/word-tokenizer.ts";
import { refusal } from "../testing/refusal.ts";
import { readCsv } from "./csv.ts";

const rows = (content: string, delimiter = ",") => [
  ...readCsv(temporaryFile("rows.csv", content), delimiter),
];

test("quotes keep delimiters, line feeds and doubled quotes; lines are those on which rows begin", () => {
  const content = '\ufeffprompt,completion\r\n"a, ""b""\r\nc",d\r\n\r\n,"e"\n"",f';
  expect(rows(content)).toEqual([
    { line: 2, value: { prompt: 'a, "b"\nc', completion: "d" } },
    { line: 5, value: { prompt: "", completion: "e" } },
    { line: 6, value: { prompt: "", completion: "f" } },
  ]);
});

test("tabs delimit TSV, and a last empty field counts", () => {
  expect(rows("a\tb\nx, y\t\n", "\t")).toEqual([{ line: 2, value: { a: "x, y", b: "" } }]);
  expect(rows("a\tb\nx\t", "\t")).toEqual([{ line: 2, value: { a: "x", b: "" } }]);
});

test("a row is there before the file is read to its end, and text that is not UTF-8 is named by its line", () => {
  const path = temporaryFile("rows.csv", Buffer.from("a,b\n1,2\n\xff,4\n", "latin1"));
  const reader = readCsv(path, ",");
  expect(reader.next().value).toEqual({ line: 2, value: { a: "1", b: "2" } });
  expect(() => reader.next()).toThrow(expect.objectContaining({ code: "data", where: `${path}:3` }));
});

test("a field may be tens of megabytes, and so may what follows a quote that does not close", () => {
  const long = "x".repeat(2 ** 25);
  expect(rows(`a,b\n"${long}",1\n`)[0]?.value["a"]).toHaveLength(2 ** 25);
  expect(() => rows(`a,b\n1,"2\n${long}`)).toThrow(refusal("data", { where: /rows\.csv:2$/ }));
});

test.each([
  ["a,b\n1,2\n1,2,3\n", refusal("data", { where: /rows\.csv:3$/, expected: "2 (a, b)", found: /^3$/ })],
  ["a,b\n1\n", refusal("data", { where: /rows\.csv:2$/, expected: "2 (a, b)", found: /^1$/ })],
  ['a,b\n1,"2\n3,4\n', refusal("data", { where: /rows\.csv:2$/, expected: "double quotes" })],
  ['a,b\n1,"2"3\n', refusal("data", { where: /rows\.csv:2$/, expected: "double quotes" })],
  ["a,a\n1,2\n", refusal("data", { where: /rows\.csv:1$/, found: '"a", "a"' })],
  ["a,\n1,2\n", refusal("data", { where: /rows\.csv:1$/, found: '"a", ""' })],
])("%j is a clear error", (content, says) => {
  expect(() => rows(content)).toThrow(says);
});

test.each([
  ["rows.csv", 'prompt,completion\n"one, two",three\n'],
  ["rows.TSV", "prompt\tcompletion\none, two\tthree\n"],
])("%s is training data as JSONL is", async (name, content) => {
  const path = temporaryFile(name, content);
  const { examples, report } = await loadExamples({ train: path }, new WordTokenizer(), { maxLength: 64 });
  expect(report).toMatchObject({ rows: 1, files: [{ format: "prompt-completion" }] });
  expect(examples[0]?.source).toBe(`${path}:2`);
});

test.each([
  [
    "prompt;completion\na;b\n",
    ",",
    refusal("data", { where: /:1$/, expected: "commas", found: "prompt;completion" }),
  ],
  [
    "prompt\tcompletion\na\tb\n",
    ",",
    refusal("data", { expected: "commas", found: "prompt\tcompletion", fix: ".tsv" }),
  ],
  [
    "prompt,completion\na,b\n",
    "\t",
    refusal("data", { expected: "tabs", found: "prompt,completion", fix: ".csv" }),
  ],
])("another delimiter is named: %j", (content, delimiter, says) => {
  expect(() => rows(content, delimiter)).toThrow(says);
});

test("a file of very many columns costs time linear in their number", () => {
  const names = Array.from({ length: 200_000 }, (_, i) => `c${i}`);
  const started = process.cpuUsage();
  expect(rows(`${names.join(",")}\n${names.join(",")}\n`)).toHaveLength(1);
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(4);
});
