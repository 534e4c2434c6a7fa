import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { loadRecipe, parseRecipe } from "../config/index.ts";
import { writeTinyBert } from "../testing/tiny-bert.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { capitalRows, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
beforeAll(() => {
  writeTinyProject(scratch.path);
  writeTinyBert(at("bert"));
});
afterAll(scratch.remove);

const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

test("a recipe from init is valid, says what comes next, and trains", async () => {
  const out = at("mine.yaml");
  const { code, stdout } = await runScalora(
    "init",
    "--model",
    at("model"),
    "--data",
    at("train.jsonl"),
    "--out",
    out,
  );
  expect(code).toBe(0);
  expect(stdout).toContain("format prompt-completion: columns prompt and completion");
  expect(stdout).toContain(
    `npx scalora data ${out}\n  npx scalora check ${out}\n  npx scalora train ${out}\n`,
  );
  expect(loadRecipe(out)).toMatchObject({
    adapter: { method: "scalora-i", rank: 8 },
    data: { format: "prompt-completion", maxLength: 256, eval: { holdOut: 0.05 } },
  });
  const folder = `run.folder=${at("runs")}`;
  const trained = await runScalora("train", out, "--set", folder, "--set", "train.steps=1", "--json");
  expect(trained.code).toBe(0);
  expect(JSON.parse(trained.stdout)).toMatchObject({ reason: "finished", step: 1 });
});

test("rows of MetaMathQA are recognised, and evaluated with the prompt that they are trained with", async () => {
  const data = at("MetaMathQA.json");
  writeFileSync(data, JSON.stringify([{ query: "1+1?", response: "Two. The answer is: 2" }]));
  const out = at("metamath.yaml");
  await runScalora("init", "--model", at("model"), "--data", data, "--out", out);
  expect(loadRecipe(out).data).toMatchObject({ format: "metamathqa", render: "metamath" });
  expect((await runScalora("data", out)).stdout).toContain("Let's think step by step.");
});

test("maths with numbers as answers is read as GSM8K, and rows that contradict their answer are dropped", async () => {
  const data = at("maths.json");
  const row = (output: string) => ({ instruction: "1+1?", input: "", output, answer: "2.0" });
  const rows = ["It is 2.", "It is 3.", "Two, that is 2.", "So 2."].map(row);
  writeFileSync(data, JSON.stringify(rows));
  const out = at("maths.yaml");
  const { stdout } = await runScalora("init", "--model", at("model"), "--data", data, "--out", out);
  expect(stdout).toMatch(/format gsm8k: .* dropped$/m);
  expect((await runScalora("data", out)).stdout).toContain("its output does not end in its answer");
});

test("a file's name with control characters is escaped, in what is printed and in the recipe", async () => {
  const data = at("e\x1b[31mvil\n\u202e.jsonl");
  const out = at("evil.yaml");
  writeFileSync(data, capitalRows(20));
  const made = await runScalora("init", "--model", at("model"), "--data", data, "--out", out);
  expect(made.code).toBe(0);
  const shown = await runScalora("data", out);
  const recipe = readFileSync(out, "utf8");
  for (const text of [made.stdout, recipe, shown.stdout]) {
    expect(text).toContain("e\\x1b[31mvil\\x0a\\u202e.jsonl");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what may not be there.
    expect(text).not.toMatch(/[\u001b\u202e]/);
  }
  expect(loadRecipe(out).data.train).toMatchObject([{ path: data }]);
});

test("an existing file is not overwritten", async () => {
  const out = at("there.yaml");
  writeFileSync(out, "mine");
  const { code, stderr } = await runScalora(
    "init",
    "--model",
    at("model"),
    "--data",
    at("train.jsonl"),
    "--out",
    out,
  );
  expect(code).toBe(2);
  expect(stderr).toContain("already exists");
  expect(readFileSync(out, "utf8")).toBe("mine");
});

test("every line in comments that looks like a key can be used", async () => {
  const out = at("all.yaml");
  await scaloraJson("init", "--model", at("model"), "--data", at("train.jsonl"), "--out", out);
  const text = readFileSync(out, "utf8").replaceAll(/^( +)# (\w+: .*)$/gm, (line, indent, entry) =>
    / {2}# (Recognised|Default)/.test(line) ? line : `${indent}${entry}`,
  );
  const recipe = parseRecipe(parse(text));
  expect(recipe).toMatchObject({
    model: { dtype: "bfloat16", device: "cpu" },
    data: { tooLong: "drop" },
    train: { lr: 2e-4, accumulate: 4, patience: 3, seed: 1 },
    run: { name: "all-1", reportTo: ["tensorboard"] },
  });
});

test.each([
  {
    name: "names",
    rows: ["x", "y", "y"].map((label) => ({ sentence: "the film", label })),
    model: { labels: ["x", "y"] },
    shown: "x",
  },
  {
    name: "numbers",
    rows: [0, 1, 2].map((label) => ({ text: "the film", label })),
    model: { labels: 3 },
    shown: "LABEL_0",
  },
  {
    name: "regression",
    rows: [0.5, 1, 2].map((stars) => ({ review: "the film", stars })),
    model: { labels: 1 },
    shown: 0.5,
    columns: { text: "review", label: "stars" },
  },
])("an encoder's classes are found in the rows: $name", async ({ name, rows, model, columns, shown }) => {
  const [data, out] = [at(`${name}.jsonl`), at(`${name}.yaml`)];
  writeFileSync(data, jsonl(rows));
  const result = await scaloraJson("init", "--model", at("bert"), "--data", data, "--out", out);
  expect(result).toMatchObject({ format: "classification", recipe: out });
  expect(loadRecipe(out)).toMatchObject({
    model,
    data: { format: "classification", ...(columns && { columns }) },
  });
  const preview = await scaloraJson("data", out, "--set", "data.eval=none", "--rows", "1");
  expect(preview.rows[0]).toMatchObject({ label: shown });
});

test("a TSV file in a folder of a GLUE task is read as that task", async () => {
  mkdirSync(at("SST-2"));
  writeFileSync(at("SST-2", "train.tsv"), 'sentence\tlabel\na "good film\t1\na bad film\t0\n');
  const out = at("sst2.yaml");
  await scaloraJson("init", "--model", at("bert"), "--data", at("SST-2", "train.tsv"), "--out", out);
  expect(readFileSync(out, "utf8")).not.toContain("labels:");
  const preview = await scaloraJson("data", out, "--set", "data.eval=none");
  expect(preview).toMatchObject({
    counts: { rows: 2 },
    rows: [{ label: "positive" }, { label: "negative" }],
  });
});

test("other names of columns, few rows and running text", async () => {
  writeFileSync(at("qa.csv"), "question,answer,id\nwhat?,that,1\n");
  const out = at("qa.yaml");
  await scaloraJson("init", "--model", at("model"), "--data", at("qa.csv"), "--out", out);
  expect(loadRecipe(out).data).toMatchObject({
    columns: { prompt: "question", completion: "answer" },
    eval: "none",
  });
  expect(readFileSync(out, "utf8")).toContain("by their names; not read: id");
  writeFileSync(at("book.txt"), capitalRows(40));
  const text = await scaloraJson(
    "init",
    "--model",
    at("model"),
    "--data",
    at("book.txt"),
    "--out",
    at("book.yaml"),
  );
  expect(text).toMatchObject({ format: "text" });
});

test.each([
  [["--model", "nowhere"], "There is no such model"],
  [["--model", "smollm2-135m-instruct/x", "--data", "x.jsonl"], "There is no such model"],
])("%j is refused", async (args, says) => {
  const { code, stderr } = await runScalora(
    "init",
    "--data",
    at("train.jsonl"),
    ...args,
    "--out",
    at("no.yaml"),
  );
  expect(code).toBe(2);
  expect(stderr).toContain(says);
});
