import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { fileRefusal, refusal } from "../../testing/refusal.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { required } from "../../util/elements.ts";
import { readTaskExamples } from "./read-task-examples.ts";
import type { Row } from "./task.ts";
import { textTasks } from "./text-tasks.ts";

const published: { adapters: Record<string, Row[]>; hub: Record<string, Row[]> } = JSON.parse(
  readFileSync(new URL("../../../test/golden/tasks/published-rows.json", import.meta.url), "utf8"),
);
const rowsOf = (name: string) => required(published.adapters[name], name);
const unlabelled = required(published.hub["piqa"], "piqa").map((row) => ({ ...row, label: -1 }));

/** A folder with these files, whose own name says nothing. */
function folderOf(files: Readonly<Record<string, readonly object[]>>): string {
  const path = join(temporaryFolder().path, "data");
  mkdirSync(path);
  for (const [name, rows] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    const lines = rows.map((row) => JSON.stringify(row)).join("\n");
    writeFileSync(join(path, name), name.endsWith(".json") ? JSON.stringify(rows) : lines);
  }
  return path;
}

const winogrande = rowsOf("winogrande");
const fileNames: [what: string, task: string, files: Record<string, readonly object[]>, file: string][] = [
  [
    "another spelling of its folder",
    "arc-e",
    { "ARC_Easy/Test.jsonl": rowsOf("arc-e") },
    "ARC_Easy/Test.jsonl",
  ],
  [
    "its name in the file's",
    "winogrande",
    { "x/winogrande-test.jsonl": winogrande },
    "x/winogrande-test.jsonl",
  ],
  ["its fields alone", "winogrande", { "test.json": winogrande, "boolq.json": rowsOf("boolq") }, "test.json"],
  [
    "the test set of several",
    "boolq",
    { "b/train.json": rowsOf("boolq"), "b/test.json": rowsOf("boolq") },
    "b/test.json",
  ],
  [
    "the validation set of the hub",
    "piqa",
    { "data/validation-00000-of-00001.jsonl": required(published.hub["piqa"], "piqa") },
    "data/validation-00000-of-00001.jsonl",
  ],
  [
    "a validation set where the test set has no answers",
    "piqa",
    { "p/test_set.jsonl": unlabelled, "p/dev.jsonl": rowsOf("piqa") },
    "p/dev.jsonl",
  ],
  [
    "the right one of sets with the same fields",
    "svamp",
    { "maths/AddSub/test.json": rowsOf("addsub"), "maths/SVAMP/test.json": rowsOf("svamp") },
    "maths/SVAMP/test.json",
  ],
  [
    "fields in a folder of another task's name, whose rows are others",
    "gsm8k",
    { "math/test.json": rowsOf("gsm8k") },
    "math/test.json",
  ],
];

test.each(fileNames)("a set is found by %s", async (_, task, files, file) => {
  const folder = folderOf(files);
  const [example] = await readTaskExamples(required(textTasks.get(task), task), [folder], { split: "test" });
  expect(example?.source).toBe(`${join(folder, file)}:1`);
});

test("a file is given as it is, one among others by its fields", async () => {
  const folder = folderOf({ "a.json": rowsOf("boolq"), "b.json": winogrande });
  const roots = [join(folder, "a.json"), join(folder, "b.json")];
  const read = (task: string) =>
    readTaskExamples(required(textTasks.get(task), task), roots, { split: "test" });
  expect((await read("winogrande"))[0]?.source).toBe(`${roots[1]}:1`);
  expect((await read("boolq"))[0]?.source).toBe(`${roots[0]}:1`);
});

test.each<[string, string, Record<string, readonly object[]>, "train" | "test", object]>([
  [
    "a set named after another",
    "arc-e",
    { "openbookqa/x.json": rowsOf("obqa") },
    "test",
    { message: "arc-e" },
  ],
  [
    "two that fit alike",
    "boolq",
    { "boolq/a.json": rowsOf("boolq"), "boolq/b.json": rowsOf("boolq") },
    "test",
    { fix: "give --data the one file" },
  ],
  [
    "a file of no split that is not named after the task, which may be one to train on",
    "boolq",
    { "commonsense_170k.json": rowsOf("boolq") },
    "test",
    { message: "boolq" },
  ],
  ["a test set for shots", "boolq", { "boolq.json": rowsOf("boolq") }, "train", { message: "boolq" }],
  ["files of no task", "boolq", { "a.json": [{ text: "a" }], "b.jsonl": [] }, "test", { message: "boolq" }],
])("not taken: %s", async (_, task, files, split, fields) => {
  const folder = folderOf(files);
  await expect(readTaskExamples(required(textTasks.get(task), task), [folder], { split })).rejects.toThrow(
    refusal("usage", fields),
  );
});

test.each([
  ["arc-e", "arc.parquet", ["answer2", "answer1"], "Answer1: stone Answer2: ice Answer3: sand"],
  ["piqa", "piqa.parquet", ["solution1", "solution2"], "Solution1: in a freezer\n\nSolution2: in the sun"],
])("%s: a Parquet file of the hub's columns", async (name, table, answers, options) => {
  const folder = folderOf({});
  mkdirSync(join(folder, name, "data"), { recursive: true });
  const file = join(folder, name, "data", "validation-00000-of-00001.parquet");
  copyFileSync(new URL(`../../../test/golden/tables/${table}`, import.meta.url), file);
  const examples = await readTaskExamples(required(textTasks.get(name), name), [folder], { split: "test" });
  expect(examples.map(({ answer }) => answer)).toEqual(answers);
  expect(examples[0]?.message).toContain(options);
});

test("columns of other names", async () => {
  const folder = folderOf({ "mine-test.jsonl": [{ text: "2+2?", result: "It is 4.\n#### 4", answer: "x" }] });
  const gsm8k = required(textTasks.get("gsm8k"), "gsm8k");
  const columns = { question: "text", answer: "result", pair: "of another task" };
  expect(await readTaskExamples(gsm8k, [folder], { split: "test", columns })).toMatchObject([
    { message: "2+2?", answer: "4" },
  ]);
  const file = join(folder, "mine-test.jsonl");
  const wrong = readTaskExamples(gsm8k, [file], { split: "test", columns: { question: "txt" } });
  await expect(wrong).rejects.toThrow(
    fileRefusal("data", file, { where: ":1", message: '"txt"', found: "columns text, result, answer" }),
  );
});
