import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type GlueTask, glueTasks } from "../../../data/index.ts";
import { type FileRefusal, fileRefusal } from "../../../testing/refusal.ts";
import { sharedPath } from "../../../testing/shared-folder.ts";
import { temporaryFolder } from "../../../testing/tiny-run.ts";
import { required } from "../../../util/elements.ts";
import { readGlue, readGlueFiles, scoreGlue } from "./index.ts";

/** A folder with these files. */
function folderOf(files: Readonly<Record<string, string>>): string {
  const { path } = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

function taskOf(name: string): GlueTask {
  const task = glueTasks.get(name);
  if (task === undefined) throw new Error(`no task ${name}`);
  return task;
}

const lines = (...rows: string[][]) => rows.map((row) => `${row.join("\t")}\n`).join("");
const mnliHeader = [
  ..."index promptID pairID genre sentence1_binary_parse sentence2_binary_parse".split(" "),
  ..."sentence1_parse sentence2_parse sentence1 sentence2 label1 label2 gold_label".split(" "),
];

/** The official file of each task's dev set, in small, and what is read from it. */
const official: Record<string, { file: string; content: string; rows: [texts: string[], label: number][] }> =
  {
    cola: {
      file: "CoLA/dev.tsv",
      content: lines(["gj04", "1", "", 'He said "hi.'], ["gj04", "0", "*", "Him go."]),
      rows: [
        [['He said "hi.'], 1],
        [["Him go."], 0],
      ],
    },
    sst2: {
      file: "SST-2/dev.tsv",
      content: lines(["sentence", "label"], ["a charm ", "1"], ["no ", "0"]),
      rows: [
        [["a charm "], 1],
        [["no "], 0],
      ],
    },
    mrpc: {
      file: "MRPC/dev.tsv",
      content: `\ufeff${lines(["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"], ["1", "7", "8", '"a', "b"])}`,
      rows: [[['"a', "b"], 1]],
    },
    stsb: {
      file: "STS-B/dev.tsv",
      content: lines(
        "index genre filename year old_index source1 source2 sentence1 sentence2 score".split(" "),
        ["0", "main", "f", "2012", "1", "none", "none", "a", "b", "3.800"],
      ),
      rows: [[["a", "b"], 3.8]],
    },
    qqp: {
      file: "QQP/dev.tsv",
      content: lines(
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
        ["1", "2", "3", "Why?", "How?", "0"],
        ["cut short", "4"],
      ),
      rows: [[["Why?", "How?"], 0]],
    },
    mnli: {
      file: "MNLI/dev_matched.tsv",
      content: lines(mnliHeader, [
        ..."0 1 1n fiction x x x x".split(" "),
        "A.",
        "B.",
        "neutral",
        "neutral",
        "contradiction",
      ]),
      rows: [[["A.", "B."], 2]],
    },
    qnli: {
      file: "QNLI/dev.tsv",
      content: lines(["index", "question", "sentence", "label"], ["0", "Who?", "He.", "not_entailment"]),
      rows: [[["Who?", "He."], 1]],
    },
    rte: {
      file: "RTE/dev.tsv",
      content: lines(["index", "sentence1", "sentence2", "label"], ["0", "A", "B", "entailment"]),
      rows: [[["A", "B"], 0]],
    },
  };

test.each([...glueTasks.keys()])("%s: the official TSV, and the hub's columns as JSONL", async (name) => {
  const task = taskOf(name);
  const { file, content, rows } = required(official[name], name);
  const read = await readGlue(task, [folderOf({ [file]: content })], "dev");
  expect(read.examples.map(({ texts, label }) => [texts, label])).toEqual(rows);
  const hub = rows.map(([texts, label], idx) => {
    const columns = task.textColumns.map((names) => names[names.length - 1]);
    return JSON.stringify({
      ...Object.fromEntries(columns.map((column, i) => [column, texts[i]])),
      label,
      idx,
    });
  });
  const folder = folderOf({ [`${name}/${task.splits.dev.at(-1)}.jsonl`]: hub.join("\n") });
  const again = await readGlue(task, [folder], "dev");
  expect(again.examples.map(({ texts, label }) => [texts, label])).toEqual(rows);
});

test("rows that are cut short are left out and named", async () => {
  const { dropped, examples } = await readGlue(
    taskOf("qqp"),
    [folderOf({ "QQP/dev.tsv": required(official["qqp"], "qqp").content })],
    "dev",
  );
  expect(examples).toHaveLength(1);
  expect(dropped).toEqual([
    { source: expect.stringMatching(/dev\.tsv:3$/), reason: "it has no column question1" },
  ]);
});

test("MNLI's train file has its label in gold_label or label1", async () => {
  const header = mnliHeader.filter((name) => name !== "label2");
  const train = lines(header, [..."0 1 1n fiction x x x x".split(" "), "A.", "B.", "neutral", "entailment"]);
  const { examples } = await readGlue(taskOf("mnli"), [folderOf({ "MNLI/train.tsv": train })], "train");
  expect(examples[0]?.label).toBe(0);
});

test("Parquet, in one file or in parts", async () => {
  const path = fileURLToPath(new URL("../../../../test/golden/tables/mrpc.parquet", import.meta.url));
  const { examples } = await readGlueFiles(taskOf("mrpc"), [path, path]);
  expect(examples.map(({ label }) => label)).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
  expect(examples[1]?.texts).toEqual(["Tabs\tand\nlines", "Both are kept"]);
});

test.each<[task: string, content: string, fields: FileRefusal]>([
  ["rte", "index\tsentence1\tsentence2\n0\ta\tb\n", { where: ":2", expected: "label" }],
  [
    "rte",
    "sentence\tlabel\na\t1\n",
    { where: ":2", expected: "sentence1", found: "columns sentence, label" },
  ],
  [
    "rte",
    "sentence1\tsentence2\tlabel\na\tb\tmaybe\n",
    { where: ":2", expected: "entailment, not_entailment, or 0 to 1", found: '"maybe"' },
  ],
  [
    "sst2",
    "sentence\tlabel\na\t2\n",
    { where: ":2", expected: "negative, positive, or 0 to 1", found: '"2"' },
  ],
  [
    "sst2",
    "sentence\tlabel\na\t-1\n",
    { where: ":2", found: '"-1"', fix: expect.stringContaining("the dev set") },
  ],
  ["sst2", "sentence\tlabel\na\t\n", { where: ":2", found: '""' }],
  [
    "stsb",
    "sentence1\tsentence2\tscore\na\tb\t7\n",
    { where: ":2", expected: "a number, at least 0, at most 5", found: '"7"' },
  ],
  ["sst2", "sentence\tlabel\n", { message: "no rows" }],
])("%s that holds %j is refused", async (name, content, fields) => {
  const task = taskOf(name);
  const file = `${task.folder}/dev.tsv`;
  const folder = folderOf({ [file]: content });
  await expect(readGlue(task, [folder], "dev")).rejects.toThrow(
    fileRefusal("data", join(folder, file), fields),
  );
});

test("a missing file is named, with where to get it", async () => {
  const folder = folderOf({});
  await expect(readGlue(taskOf("qnli"), [folder], "train")).rejects.toThrow(
    fileRefusal("usage", folder, {
      expected: expect.stringContaining("QNLI or qnli / train .jsonl"),
      fix: expect.stringContaining("gluebenchmark.com"),
    }),
  );
  await expect(readGlue(taskOf("qnli"), ["/none"], "train")).rejects.toThrow(fileRefusal("usage", "/none"));
});

test("a task scores by its own metrics", () => {
  const [labels, predictions] = [
    [1, 1, 0, 0],
    [1, 0, 0, 0],
  ];
  expect(scoreGlue(taskOf("mrpc"), labels, predictions)).toEqual({ f1: 2 / 3, accuracy: 0.75 });
  expect(scoreGlue(taskOf("cola"), labels, predictions)["matthews"]).toBeCloseTo(1 / Math.sqrt(3), 12);
  expect(scoreGlue(taskOf("stsb"), [1, 2, 3], [2, 4, 9])).toEqual({
    pearson: expect.closeTo(0.9707, 4),
    spearman: expect.closeTo(1, 12),
  });
});

const glue = sharedPath("data", "glue");

test.skipIf(glue === undefined)("real GLUE files are read completely (needs ../shared/data)", async () => {
  const counts: Record<string, number> = {};
  for (const name of ["cola", "sst2", "rte"])
    for (const split of ["train", "dev"] as const) {
      const { examples, dropped } = await readGlue(taskOf(name), [glue ?? ""], split);
      expect(dropped).toEqual([]);
      expect(new Set(examples.map(({ label }) => label))).toEqual(new Set([0, 1]));
      counts[`${name} ${split}`] = examples.length;
    }
  expect(counts).toEqual({
    "cola train": 8551,
    "cola dev": 1043,
    "sst2 train": 67349,
    "sst2 dev": 872,
    "rte train": 2490,
    "rte dev": 277,
  });
});
