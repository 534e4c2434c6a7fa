import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ChatTemplate } from "../data/index.ts";
import { loadTokenizer } from "../model-files/load-tokenizer.ts";
import { loadModel } from "../models/index.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { liveTensorCount } from "../torch/index.ts";
import { elementAt, required } from "../util/elements.ts";
import { wilsonInterval } from "../util/wilson-interval.ts";
import { type ExampleResult, ResultLog } from "./result-log.ts";
import { runTask } from "./run-task.ts";
import type { TaskModel, TaskSettings } from "./scoring-mode.ts";
import type { TaskExample, TextTask } from "./tasks/index.ts";
import { textTasks } from "./tasks/index.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);
const folder = join(scratch.path, "model");
writeTinyLlama(folder);

const settings: TaskSettings = {
  mode: "generate",
  shots: [],
  beams: 1,
  batch: 8,
  signal: new AbortController().signal,
  onProgress: () => {},
};

/** Any output is an answer, right by two rules of its length. */
const task: TextTask = {
  name: "letters",
  description: "",
  folders: ["letters"],
  columns: [],
  layouts: [],
  source: "nowhere",
  maxTokens: 10,
  stop: ["z"],
  separator: "\n",
  choiceAnswers: ["a", "b", "c"],
  read: (_, source) => example(0, source),
  scoreOutput: (output) => ({
    answer: output === "" ? undefined : output,
    scores: { even: output.length % 2 === 0 ? 1 : 0, short: output.length < 3 ? 1 : 0 },
  }),
};

function example(i: number, source = `test.jsonl:${i + 1}`): TaskExample {
  const letters = "abcdefghijklm".slice(0, 1 + ((i * 5) % 11));
  const choices = [" x", " yy", " zzzé"].map((continuation) => ({ context: `${letters}:`, continuation }));
  return {
    source,
    prompt: `${letters}=`,
    message: letters,
    completion: "b",
    answer: elementAt(["a", "b", "c"], i % 3),
    choices,
    right: i % 3,
  };
}
const examples = Array.from({ length: 12 }, (_, i) => example(i));

async function withSubject<T>(body: (subject: TaskModel) => Promise<T>, chat = false): Promise<T> {
  using model = await loadModel(folder);
  const tokenizer = await loadTokenizer(folder);
  const { chatTemplate = "", special } = tokenizer;
  const template = chat ? new ChatTemplate(chatTemplate, special) : undefined;
  return await body({ model, tokenizer, template, endTokens: new Set([257, 101]), identity: "tiny" });
}

function linesOf(path: string): ExampleResult[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line)).sort((a, b) => a.index - b.index);
}

test.each(["generate", "loglikelihood"] as const)(
  "%s: a rerun does only what is missing, in batches of any size, and leaves no tensor behind",
  async (mode) => {
    await withSubject(async (subject) => {
      const [whole, parts] = [join(scratch.path, `${mode}.jsonl`), join(scratch.path, `${mode}-parts.jsonl`)];
      const seen: string[] = [];
      const onProgress = (done: number, total: number) => seen.push(`${done}/${total}`);
      const first = await runTask(
        subject,
        task,
        examples,
        { ...settings, mode, onProgress },
        new ResultLog(whole),
      );
      expect([seen[0], seen.at(-1), seen.length]).toEqual(["0/12", "12/12", 13]);
      const before = liveTensorCount();
      const some = examples.slice(0, 5);
      await runTask(subject, task, some, { ...settings, mode, batch: 1 }, new ResultLog(parts));
      const moved = examples.map((one, i) => ({ ...one, source: `elsewhere/test.jsonl:${i + 1}` }));
      const again = await runTask(
        subject,
        task,
        moved,
        { ...settings, mode, batch: 3 },
        new ResultLog(parts),
      );
      expect(again).toEqual({ ...first, reused: 5 });
      expect(liveTensorCount()).toBe(before);
      const results = linesOf(parts);
      expect(results.map(({ index }) => index)).toEqual(examples.map((_, i) => i));
      for (const [i, { source, logLikelihoods = [], ...rest }] of results.entries()) {
        const { source: place, logLikelihoods: alone = [], ...expected } = elementAt(linesOf(whole), i);
        expect(rest).toEqual(expected);
        expect(place).toBe(elementAt(examples, i).source);
        expect(logLikelihoods).toHaveLength(alone.length);
        expect(source).toContain(place);
        for (const [k, value] of logLikelihoods.entries())
          expect(Math.abs(value - elementAt(alone, k))).toBeLessThan(1e-5);
      }
      await expect(
        runTask({ ...subject, identity: "other" }, task, some, { ...settings, mode }, new ResultLog(parts)),
      ).rejects.toThrow("another model");
    });
  },
);

test("what ends an output is part of a result's key, and old results are judged by the rules of today", async () => {
  await withSubject(async (subject) => {
    const path = join(scratch.path, "judged.jsonl");
    const some = examples.slice(0, 4);
    const again = (changes: Partial<TaskModel & TextTask & TaskSettings>) =>
      runTask(
        { ...subject, ...changes },
        { ...task, ...changes },
        some,
        { ...settings, ...changes },
        new ResultLog(path),
      );
    const first = await again({});
    const before = linesOf(path);
    for (const change of [{ endTokens: new Set([257]) }, { stop: ["y"] }, { maxTokens: 9 }, { beams: 2 }])
      await expect(again(change)).rejects.toThrow("other settings");
    await again({ endTokens: new Set([101, 257]) });
    expect(linesOf(path)).toEqual(before);
    const strict = {
      scoreOutput: (output: string) => ({ answer: output[0], scores: { even: 0, short: 1 } }),
    };
    const judged = await again(strict);
    expect(elementAt(first.metrics, 0).value).not.toBe(0);
    expect(judged).toMatchObject({
      reused: 4,
      metrics: [
        { metric: "even", value: 0 },
        { metric: "short", value: 1 },
      ],
    });
    const after = linesOf(path);
    expect(after.map(({ scores, answer }) => [scores["even"], answer])).toEqual(
      before.map(({ output = "" }) => [0, output[0] ?? null]),
    );
    expect(after.map(({ output }) => output)).toEqual(before.map(({ output }) => output));
  });
});

test("a summary holds means, intervals and what went wrong", async () => {
  await withSubject(async (subject) => {
    const path = join(scratch.path, "summary.jsonl");
    const summary = await runTask(subject, task, examples, settings, new ResultLog(path));
    const results = linesOf(path);
    const mean = (metric: string) =>
      results.reduce((sum, { scores }) => sum + required(scores[metric], metric), 0) / 12;
    expect(summary).toMatchObject({
      task: "letters",
      mode: "generate",
      examples: 12,
      reused: 0,
      truncated: 0,
    });
    expect(summary.metrics.map(({ metric, value }) => [metric, value])).toEqual([
      ["even", mean("even")],
      ["short", mean("short")],
    ]);
    for (const { value, low, high } of summary.metrics) {
      expect({ low, high }).toEqual(wilsonInterval(value, 12));
    }
    expect(summary.unanswered).toBe(results.filter(({ output }) => output === "").length);
    expect(summary.unfinished).toBe(results.filter(({ ended }) => ended === "length").length);
    expect(summary.unfinished).toBeGreaterThan(0);
  });
});

test("prompts: plain with shots, as a conversation, cut from the left when the context is short", async () => {
  const seen: string[] = [];
  const spy = async (chat: boolean, one: TaskExample, shots: TaskExample[]) =>
    withSubject(async (subject) => {
      const { tokenizer } = subject;
      const spied: Tokenizer = {
        size: tokenizer.size,
        special: tokenizer.special,
        chatTemplate: tokenizer.chatTemplate,
        encodeBatch: (texts, options) => tokenizer.encodeBatch(texts, options),
        encodePairs: (rows, maxLength) => tokenizer.encodePairs(rows, maxLength),
        decode: (ids, options) => tokenizer.decode(ids, options),
        idOf: (token) => tokenizer.idOf(token),
        encode: (text, options) => {
          seen.push(text);
          return tokenizer.encode(text, options);
        },
      };
      const summary = await runTask(
        { ...subject, tokenizer: spied },
        task,
        [one],
        { ...settings, shots },
        new ResultLog(),
      );
      return summary.truncated;
    }, chat);
  await spy(false, example(0), [example(1), example(2)]);
  expect(seen).toContain("abcdef=b\nabcdefghijk=b\na=");
  await spy(true, example(0), [example(1)]);
  expect(seen.at(-1)).toBe(
    "<|im_start|>user\nabcdef<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n",
  );
  expect(await spy(false, { ...example(0), prompt: "long ".repeat(80) }, [])).toBe(1);
  const far = { context: "long ".repeat(80), continuation: " x" };
  const long = { ...example(0), choices: [far, { ...far, continuation: " y" }] };
  const compared = await withSubject((subject) =>
    runTask(subject, task, [long], { ...settings, mode: "loglikelihood" }, new ResultLog()),
  );
  expect(compared.truncated).toBe(1);
});

test("the likeliest choice, by the whole, by characters and by bytes", async () => {
  await withSubject(async (subject) => {
    const path = join(scratch.path, "choices.jsonl");
    await runTask(subject, task, examples, { ...settings, mode: "loglikelihood" }, new ResultLog(path));
    const best = (values: number[]) => values.indexOf(Math.max(...values));
    const lines = linesOf(path);
    expect(lines).toHaveLength(examples.length);
    for (const { index, scores, logLikelihoods = [], answer, expected } of lines) {
      const right = index % 3;
      const per = (lengths: number[]) =>
        best(logLikelihoods.map((value, k) => value / elementAt(lengths, k)));
      expect(answer).toBe(["a", "b", "c"][best([...logLikelihoods])]);
      expect(answer === expected).toBe(scores["acc"] === 1);
      expect(scores).toEqual({
        acc: best([...logLikelihoods]) === right ? 1 : 0,
        acc_norm: per([1, 2, 4]) === right ? 1 : 0,
        acc_bytes: per([1, 2, 5]) === right ? 1 : 0,
      });
    }
  });
});

test("every task has its own name and folders", () => {
  const paper =
    "boolq piqa siqa hellaswag winogrande arc-e arc-c obqa gsm8k math svamp aqua addsub multiarith singleeq mawps".split(
      " ",
    );
  expect([...textTasks.keys()]).toEqual(expect.arrayContaining(paper));
  const folders = [...textTasks.values()].flatMap((one) => one.folders);
  expect(new Set(folders).size).toBe(folders.length);
});
