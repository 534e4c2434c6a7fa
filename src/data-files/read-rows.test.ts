import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadExamples } from "../data/load-examples.ts";
import { temporaryFile } from "../data/testing/files.ts";
import { WordTokenizer } from "../data/testing/word-tokenizer.ts";
import { refusal } from "../testing/refusal.ts";
import { elementAt } from "../util/elements.ts";
import { readRows, readTsv } from "./read-rows.ts";

const golden = (name: string) => fileURLToPath(new URL(`../../test/golden/tables/${name}`, import.meta.url));

async function rowsOf(path: string) {
  const rows: unknown[] = [];
  for await (const { line, value } of readRows(path)) rows.push([line, value]);
  return rows;
}

test("Parquet files give their rows, integers as numbers", async () => {
  expect(await rowsOf(golden("mrpc.parquet"))).toEqual([
    [1, { sentence1: 'He said "no".', sentence2: "He declined.", label: 1, idx: 0 }],
    [2, { sentence1: "Tabs\tand\nlines", sentence2: "Both are kept", label: 0, idx: 1 }],
    [3, { sentence1: "Größe 中文 😀", sentence2: "Size", label: 1, idx: 2 }],
    [4, { sentence1: "", sentence2: "empty", label: 0, idx: 3 }],
  ]);
  expect(await rowsOf(golden("stsb.parquet"))).toEqual([
    [1, { sentence1: "a", sentence2: "a", label: 5 }],
    [2, { sentence1: "b", sentence2: "c", label: 0.25 }],
  ]);
});

test("a .json file holds a list of rows, or lines", async () => {
  const rows = [
    [1, { a: 1 }],
    [2, { a: "\u2028" }],
  ];
  expect(await rowsOf(temporaryFile("rows.json", '\n [{"a": 1},\n {"a": "\u2028"}]'))).toEqual(rows);
  expect(await rowsOf(temporaryFile("rows.json", '{"a": 1}\n{"a": "\u2028"}\n'))).toEqual(rows);
  expect(await rowsOf(temporaryFile("row.json", '{\n  "a": 1\n}\n'))).toEqual([[1, { a: 1 }]]);
});

test("TSV: quotes are text, lines end at line feeds only, short lines lack columns", () => {
  const text = '\ufeffa\tb\tc\r\n"x\ty"\t\r\nq\u2028r\t"\t\'\nshort\n';
  expect(readTsv(temporaryFile("rows.tsv", text))).toEqual([
    { line: 2, value: { a: '"x', b: 'y"', c: "" } },
    { line: 3, value: { a: "q\u2028r", b: '"', c: "'" } },
    { line: 4, value: { a: "short" } },
  ]);
  expect(readTsv(temporaryFile("rows.tsv", "x\ty\n"), ["a", "b"])).toEqual([
    { line: 1, value: { a: "x", b: "y" } },
  ]);
});

test.each([
  ["rows.json", '[{"a": 1}, 2]', refusal("data", { where: /rows\.json:2$/, found: "a number" })],
  ["rows.json", '[{"a": 1},', refusal("data", { where: /rows\.json$/, found: "JSON" })],
  [
    "rows.parquet",
    "PAR1 and nothing more",
    refusal("data", { where: /rows\.parquet$/, expected: "PAR1", found: "21 bytes" }),
  ],
  [
    "rows.parquet",
    "PAR1 and what is no footer PAR1",
    refusal("data", { where: /rows\.parquet$/, found: "544367988" }),
  ],
  ["rows.parquet", '{"a": 1}', refusal("data", { where: /rows\.parquet$/, found: '{\\"a\\"', fix: ".json" })],
  ["rows.xlsx", "PK\u0003\u0004", refusal("data", { where: /rows\.xlsx$/, expected: "JSONL", fix: "CSV" })],
])("%s that holds %j is a clear error", async (name, content, says) => {
  await expect(rowsOf(temporaryFile(name, content))).rejects.toThrow(says);
});

test("a file that is not there is a clear error", async () => {
  await expect(rowsOf("none/rows.parquet")).rejects.toThrow(
    refusal("data", { where: /^none\/rows\.parquet$/, found: "ENOENT" }),
  );
});

test("task files are training data: prompts as in evaluation, answers as labels", async () => {
  const tokenizer = new WordTokenizer();
  const text = async (content: unknown, format: "gsm8k" | "commonsense") => {
    const train = temporaryFile("rows.json", JSON.stringify([content]));
    const { examples } = await loadExamples({ train, format }, tokenizer, { maxLength: 99 });
    const { ids, isLabel } = elementAt(examples, 0);
    return [await tokenizer.decode(ids), await tokenizer.decode(ids.filter((_, i) => isLabel[i] === 1))];
  };
  expect(await text({ question: "2+2?", answer: "4\n#### 4" }, "gsm8k")).toEqual([
    "Question: 2+2?\nAnswer: 4\n#### 4",
    " 4\n#### 4",
  ]);
  const row = { instruction: "Is it?", input: "", output: "the correct answer is true", answer: "true" };
  expect(await text(row, "commonsense")).toEqual([
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n" +
      "### Instruction:\nIs it?\n\n### Response:\nthe correct answer is true",
    "the correct answer is true",
  ]);
  await expect(text({ question: "2+2?" }, "gsm8k")).rejects.toThrow(
    refusal("data", { expected: "question + answer", found: "columns question" }),
  );
});
