import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fileRefusal, refusal } from "../testing/refusal.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { elementAt } from "../util/elements.ts";
import { collate } from "./collate.ts";
import { hashExamples } from "./hash-examples.ts";
import { loadExamples } from "./load-examples.ts";
import { WordTokenizer } from "./testing/word-tokenizer.ts";
import type { ClassifierLabels, DataConfig } from "./types.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
let files = 0;

const two: ClassifierLabels = { labels: ["no", "yes"], regression: false, typeVocabSize: 2 };

async function load(
  rows: readonly object[],
  classes: ClassifierLabels | undefined = two,
  config: Partial<DataConfig> = {},
) {
  const path = join(scratch.path, `${files++}.jsonl`);
  writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const tokenizer = new WordTokenizer();
  const loaded = await loadExamples({ train: path, ...config }, tokenizer, { maxLength: 64, classes });
  const shown = loaded.examples.map(({ ids, label, tokenTypes }) => ({
    text: tokenizer.tokensOf(ids).join(""),
    label,
    ...(tokenTypes && { types: [...tokenTypes].join("") }),
  }));
  return { ...loaded, shown };
}

const glueFile = (name: string, rows: readonly string[][]) => {
  const path = join(scratch.path, name);
  writeFileSync(path, rows.map((row) => `${row.join("\t")}\n`).join(""));
  return path;
};

/** A model of these classes. */
const classesOf = (...labels: string[]): ClassifierLabels => ({
  labels,
  regression: false,
  typeVocabSize: 2,
});

test("the official files of GLUE are read by the name of their task", async () => {
  const train = glueFile("cola.tsv", [
    ["gj04", "1", "", 'a "b'],
    ["gj04", "0", "*", "c"],
  ]);
  const read = async (path: string, format: "cola" | "qqp" | "stsb", classes: ClassifierLabels) =>
    loadExamples({ train: path, format }, new WordTokenizer(), { maxLength: 64, classes });
  const cola = await read(train, "cola", classesOf("unacceptable", "acceptable"));
  expect(cola.examples.map(({ label, source }) => [label, source])).toEqual([
    [1, `${train}:1`],
    [0, `${train}:2`],
  ]);
  expect(cola.report.files).toMatchObject([{ format: "cola", rows: 2 }]);
  const pairs = glueFile("qqp.tsv", [
    ["id", "question1", "question2", "is_duplicate"],
    ["1", "a", "b", "1"],
    ["cut"],
  ]);
  const qqp = await read(pairs, "qqp", classesOf("LABEL_0", "LABEL_1"));
  expect(qqp.examples).toHaveLength(1);
  expect(qqp.report).toMatchObject({ rows: 2, dropped: [{ reason: "it has no column question1" }] });
  const scores = glueFile("stsb.tsv", [
    ["sentence1", "sentence2", "score"],
    ["a", "b", "3.800"],
  ]);
  const stsb = await read(scores, "stsb", { ...classesOf("score"), regression: true });
  expect(stsb.examples[0]?.label).toBe(3.8);
  await expect(
    read(glueFile("none.tsv", [["sentence1", "sentence2", "score"]]), "stsb", { ...two, regression: true }),
  ).rejects.toThrow(refusal("data", { where: "none.tsv" }));
});

test.each([
  [classesOf("acceptable", "unacceptable"), "acceptable, unacceptable"],
  [classesOf("a", "b", "c"), "a, b, c"],
  [{ ...classesOf("a"), regression: true }, "a regression"],
])("classes that are not the task's are refused (%#)", async (classes, found) => {
  await expect(load([{ sentence: "a", label: 1 }], classes, { format: "cola" })).rejects.toThrow(
    expect.objectContaining({ code: "config", expected: "unacceptable, acceptable", found }),
  );
});

test("columns of a task are not the recipe's to name", async () => {
  const named = { format: "cola", columns: { text: "x" } } as const;
  await expect(load([{ sentence: "a", label: 1 }], two, named)).rejects.toThrow(
    refusal("config", { where: /, data\.columns$/, message: "cola" }),
  );
});

test("a language model does not read a task of GLUE", async () => {
  const config = {
    train: glueFile("rte.tsv", [["sentence1", "sentence2", "label"]]),
    format: "rte",
  } as const;
  await expect(loadExamples(config, new WordTokenizer(), { maxLength: 64 })).rejects.toThrow(
    fileRefusal("config", config.train, { where: ", data.format", found: expect.stringMatching(/^rte,/) }),
  );
});

test("texts and pairs with labels by name and by number", async () => {
  const { shown, report, examples } = await load([
    { text: "a b", label: "yes" },
    { text: "a b", pair: "c", label: 0 },
    { text: "", pair: "", label: 1 },
    { text: "d", pair: null, label: "no" },
  ]);
  expect(shown).toEqual([
    { text: "<s>a b</s>", label: 1 },
    { text: "<s>a b</s>c</s>", label: 0, types: "000011" },
    { text: "<s>d</s>", label: 0 },
  ]);
  expect(report).toMatchObject({ rows: 4, labelTokens: 3, tokens: 13, truncated: 0 });
  expect(report.dropped[0]?.reason).toBe("its text is empty");
  const batch = collate(examples);
  expect([...(batch.labels ?? [])]).toEqual([1, 0, 0]);
  expect([...(batch.tokenTypes ?? [])].join("")).toBe("0000000011000");
  expect(batch.labelPositions).toHaveLength(0);
  expect(collate([elementAt(examples, 0)]).tokenTypes).toBeUndefined();
});

test("in CSV a class's number is text; a class's name comes first", async () => {
  const path = join(scratch.path, "labels.csv");
  writeFileSync(path, "text,label\na,1\nb,no\n");
  const of = async (labels: string[]) => {
    const classes = { ...two, labels };
    const { examples } = await loadExamples({ train: path }, new WordTokenizer(), { maxLength: 9, classes });
    return examples.map(({ label }) => label);
  };
  expect(await of(["no", "yes"])).toEqual([1, 0]);
  expect(await of(["1", "no"])).toEqual([0, 1]);
});

test("columns of other names: GLUE's without a word, others by data.columns", async () => {
  const glue = await load([{ sentence1: "a", sentence2: "b", label: 1, idx: 0 }]);
  expect(glue.shown).toEqual([{ text: "<s>a</s>b</s>", label: 1, types: "00011" }]);
  expect(glue.report.files[0]).toMatchObject({ format: "classification", ignoredColumns: ["idx"] });
  const columns = { text: "premise", pair: "hypothesis", label: "gold" };
  const own = await load([{ premise: "a", hypothesis: "b", gold: "no" }], two, { columns });
  expect(own.shown).toEqual([{ text: "<s>a</s>b</s>", label: 0, types: "00011" }]);
});

test("a model without token types gets none; numbers of a regression", async () => {
  const score: ClassifierLabels = { labels: ["score"], regression: true, typeVocabSize: 0 };
  const { shown } = await load(
    [
      { sentence1: "a", sentence2: "b", label: 3.8 },
      { sentence1: "a", sentence2: "b", label: "4.5" },
    ],
    score,
  );
  expect(shown).toEqual([
    { text: "<s>a</s>b</s>", label: 3.8 },
    { text: "<s>a</s>b</s>", label: 4.5 },
  ]);
  await expect(load([{ text: "a", label: "high" }], score)).rejects.toThrow(
    refusal("data", { where: /:1, column "label"$/, expected: "a number", found: '"high"' }),
  );
});

test("long rows are cut, dropped or refused, and counted", async () => {
  const rows = [
    { text: "a b c d e f", label: 0 },
    { text: "a", label: 1 },
  ];
  const cut = await load(rows, two, { maxLength: 5 });
  expect(cut.shown[0]?.text).toBe("<s>a b c</s>");
  expect(cut.report).toMatchObject({ truncated: 1, labelTokens: 2 });
  const dropped = await load(rows, two, { maxLength: 5, tooLong: "drop" });
  expect(dropped.report.dropped[0]?.reason).toBe("it has 8 tokens, more than 5");
  expect(dropped.shown).toHaveLength(1);
  await expect(load(rows, two, { maxLength: 5, tooLong: "error" })).rejects.toThrow(
    refusal("data", { where: /:1$/, expected: "at most 5 tokens", found: "8 tokens" }),
  );
});

test("the hash of the data holds labels and types", async () => {
  const hashes = await Promise.all(
    [[{ text: "a", pair: "b", label: 0 }], [{ text: "a", pair: "b", label: 1 }]].map(async (rows) =>
      hashExamples([(await load(rows)).examples]),
    ),
  );
  const untyped = await load([{ text: "a", pair: "b", label: 1 }], { ...two, typeVocabSize: 1 });
  expect(new Set([...hashes, hashExamples([untyped.examples])]).size).toBe(3);
});

test("labels of rows that are none, and data of another kind", async () => {
  await expect(load([{ text: "a", label: 2 }])).rejects.toThrow(
    refusal("data", { where: /:1, column "label"$/, expected: "no, yes", found: /^2$/ }),
  );
  await expect(load([{ text: "a", label: true }])).rejects.toThrow(refusal("data", { found: "a boolean" }));
  const wrong = Array.from({ length: 15 }, (_, i) => ({ text: "a", label: i === 7 ? 0 : `x${i}` }));
  await expect(load(wrong)).rejects.toThrow(
    refusal("data", {
      where: /:1, column "label"$/,
      found: /^"x0", and 13 more .*:2, column "label" \("x1"\).*:7.*:9.*, …$/,
    }),
  );
  await expect(load([{ text: "a" }])).rejects.toThrow(
    refusal("data", { where: /:1$/, expected: "text + label", found: /text$/, fix: "data.columns" }),
  );
  await expect(load([{ text: "a", label: "ye" }])).rejects.toThrow(
    refusal("data", { found: '"ye"', fix: "yes" }),
  );
  await expect(load([{ text: 1, label: 0 }])).rejects.toThrow(
    refusal("data", { message: '"text"', found: "a number" }),
  );
  await expect(load([{ text: "a", label: 0 }], two, { format: "text" })).rejects.toThrow(
    refusal("config", { where: /data\.format$/, expected: "format: classification", found: /^text$/ }),
  );
  const path = join(scratch.path, "plain.jsonl");
  writeFileSync(path, '{"text": "a", "label": 0}');
  const asText = { train: path, format: "classification" } as const;
  await expect(loadExamples(asText, new WordTokenizer(), { maxLength: 9 })).rejects.toThrow(
    fileRefusal("config", path, { where: ", data.format", found: expect.stringMatching(/^classification,/) }),
  );
});
