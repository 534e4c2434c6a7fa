import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { main } from "../cli/main.ts";
import { CapturedStream, runVerb, testContext } from "../cli/testing/terminal.ts";
import { addQuickstart } from "../cli/verbs/quickstart.ts";
import { loadExamples } from "../data/index.ts";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { loadModel } from "../models/index.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { liveTensorCount } from "../torch/index.ts";
import { elementAt, takeFirst } from "../util/elements.ts";
import { gradeFractions } from "./evaluate-model.ts";
import { scoreLabels } from "./label-scores.ts";
import { prepareFolder } from "./output-folder.ts";
import type { QuickstartResult } from "./quickstart-result.ts";
import { quickstartHeadline } from "./report.ts";
import { runDemo } from "./run-quickstart.ts";
import { gradeWords, tinyModelFolder, translationDemo } from "./translation/demo.ts";
import { tinyTokenizer } from "./translation/tiny-model.ts";
import {
  makeTranslationSplits,
  sentenceLength,
  translationPrompt,
} from "./translation/translation-examples.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

/** The quickstart through its verb, much shortened. */
async function quickstart(...args: string[]) {
  const { context, stdout, stderr } = testContext();
  const load = async () => ({
    runQuickstart: (options: { out: string; seed: number }, hooks: Parameters<typeof runDemo>[2]) =>
      runDemo({ ...translationDemo, training: { ...translationDemo.training, steps: 4 } }, options, hooks),
  });
  await runVerb((program) => addQuickstart(program, context, load), ["quickstart", "--tiny", ...args]);
  return { stdout: stdout.text, stderr: stderr.text };
}

/** The words of a command as it is printed. */
const shellWords = (command: string) =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain = ""]) => quoted ?? plain);

test("the quickstart trains, compares, reports and exports; the commands that it names work", async () => {
  const out = join(scratch.path, "quick");
  const before = liveTensorCount();
  const { stdout, stderr } = await quickstart("--out", out, "--json");
  expect(liveTensorCount()).toBe(before);
  const result: QuickstartResult = JSON.parse(stdout);
  expect(result.rows.map(({ method }) => method)).toEqual(["lora", "scalora-i", "full"]);
  for (const row of result.rows) expect(row.loss).toBeLessThan(20);
  const [lora, scalora, full] = takeFirst(result.rows, 3);
  expect(lora.rank).toBe(1);
  expect(scalora.rank).toBeGreaterThan(1);
  expect(scalora.trainable).toBe(lora.trainable);
  expect(full.trainable).toBeGreaterThan(50 * lora.trainable);
  // What it could do before: repeat the sentence, more or less, as it was asked in no language.
  for (const { prompt, before: answer } of result.samples) {
    const same = answer.split(" ").filter((word, i) => word === prompt.split(" ")[i]);
    expect(same.length).toBeGreaterThan(sentenceLength / 2);
  }
  expect(stderr).toMatch(/On this machine it takes about [\d a-z.]+ from here\./);
  expect(stderr).toContain("3 of 3: full");
  const page = readFileSync(result.report, "utf8");
  for (const text of [
    "Rank of the accumulated change",
    "Scaling factors",
    elementAt(result.samples, 0).expected,
  ])
    expect(page).toContain(text);
  expect(result.next).toHaveLength(3);
  for (const command of result.next) {
    const [npx, name, ...args] = shellWords(command);
    expect([npx, name]).toEqual(["npx", "scalora"]);
    if (args[0] === "train") args.push("--set", "train.steps=2");
    const [output, errors] = [new CapturedStream(), new CapturedStream()];
    const code = await main(args, { stdout: output, stderr: errors, env: {}, prepareEngine: async () => {} });
    expect([code, errors.text.includes("error")]).toEqual([0, false]);
    expect(output.text.trim()).not.toBe("");
  }
  // The next one replaces it, and leaves what the user made there.
  expect(prepareFolder(out, translationDemo.makeExercises(0)).kept).toEqual([]);
  expect(readdirSync(out).sort()).toEqual(["data", "quickstart.json", "recipe-scalora-i"]);
});

test("a recipe and rows that were edited since the last quickstart are kept under another name", () => {
  const out = scratch.fresh("edited");
  const prepare = () => prepareFolder(out, translationDemo.makeExercises(0)).kept;
  const edit = (...parts: string[]) => {
    const file = join(out, ...parts);
    writeFileSync(file, "mine");
    const later = Date.now() / 1000 + 60;
    utimesSync(file, later, later);
  };
  expect(prepare()).toEqual([]);
  edit("recipe.yaml");
  expect(prepare()).toEqual([{ name: "recipe.yaml", as: "recipe-2.yaml" }]);
  edit("recipe.yaml");
  edit("data", "own-rows.jsonl");
  expect(prepare()).toEqual([
    { name: "recipe.yaml", as: "recipe-3.yaml" },
    { name: "data", as: "data-2" },
  ]);
  for (const kept of ["recipe-2.yaml", "recipe-3.yaml", "data-2/own-rows.jsonl"])
    expect(readFileSync(join(out, kept), "utf8")).toBe("mine");
  expect(prepare()).toEqual([]);
});

test("the headline ranks the methods and says whether the test tells the best two apart", () => {
  const score = (value: number, low: number, high: number) => ({
    exact: { value, low, high },
    parts: { value, low, high },
    count: 64,
    loss: 1,
    texts: [],
    areExact: [],
  });
  const result = { folder: "", events: [], trainable: 1, seconds: 1, memory: 1, rank: 1, entropyRank: 1 };
  const headline = (lora: ReturnType<typeof score>, full: ReturnType<typeof score>) =>
    quickstartHeadline({
      job: { names: { item: "records", part: "fields" } },
      before: score(0, 0, 0),
      runs: [
        { method: "lora", result, testResult: lora },
        { method: "full", result, testResult: full },
      ],
    });
  const apart = headline(score(0.5, 0.4, 0.6), score(0.9, 0.8, 1));
  expect(apart?.text).toBe(
    "full gets 90.0 % of the test's records exactly right, lora 50.0 %; before training it was 0.0 %",
  );
  expect(apart?.certainty).toContain("do not overlap");
  expect(headline(score(0.8, 0.7, 0.9), score(0.9, 0.8, 1))?.certainty).toContain("does not tell");
  expect(headline(score(0, 0, 0), score(0, 0, 0))?.tone).toBe("warning");
});

test("a folder that holds other things is left alone", async () => {
  writeFileSync(join(scratch.path, "precious"), "");
  await expect(quickstart("--out", scratch.path)).rejects.toThrow(
    "holds files that are not from an earlier quickstart",
  );
});

test("the embedded model is the one that the generator describes, and repeats what it reads", async () => {
  const stored: unknown = JSON.parse(readFileSync(join(tinyModelFolder, "tokenizer.json"), "utf8"));
  expect(stored).toEqual(tinyTokenizer());
  const file = join(scratch.path, "repeat.jsonl");
  const rows = makeTranslationSplits(1).test.map(({ prompt }) => {
    const sentence = prompt.split(" ").slice(0, -3).join(" ");
    return JSON.stringify({ prompt: translationPrompt(sentence, "English"), completion: ` ${sentence}` });
  });
  writeFileSync(file, rows.join("\n"));
  using model = await loadModel(tinyModelFolder);
  const { examples } = await loadExamples({ train: file }, await loadTokenizer(tinyModelFolder), {
    maxLength: model.info.maxPositions,
  });
  const { firstChoices } = await scoreLabels(model, examples, new AbortController().signal);
  const { exact, parts } = gradeFractions(gradeWords(firstChoices));
  expect(exact.value).toBeGreaterThan(0.99);
  expect(parts.value).toBeGreaterThan(0.999);
});
