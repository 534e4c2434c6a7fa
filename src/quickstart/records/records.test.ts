import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { byteTokenizer, writeTinyLlama } from "../../testing/tiny-llama.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { liveTensorCount } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { Random } from "../../util/random.ts";
import { splitNames } from "../demo.ts";
import type { QuickstartEvent } from "../quickstart-result.ts";
import { runDemo } from "../run-quickstart.ts";
import { drawMessages, recordFields } from "./customer-messages.ts";
import { recordsDemo } from "./demo.ts";
import { gradeRecord } from "./grade-record.ts";
import { type Pool, phrases } from "./message-phrases.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

const { intents, ...others } = phrases();
const pools: Pool[] = [intents, others].flatMap((each) => Object.values(each));

test("no wording and no value of one part is in another", () => {
  for (const pool of pools) {
    const phrases = splitNames.flatMap((part) => pool[part].filter((phrase) => phrase !== ""));
    expect(new Set(phrases).size).toBe(phrases.length);
  }
  const drawn = splitNames.map((part) => drawMessages(part, 300, new Random(1)));
  const valuesOf = (of: "product" | "order") =>
    drawn.map((messages) => new Set(messages.flatMap(({ record }) => record[of] ?? [])));
  for (const values of [valuesOf("product"), valuesOf("order")]) {
    const all = values.flatMap((set) => [...set]);
    expect(new Set(all).size).toBe(all.length);
  }
  const learnt = elementAt(drawn, 0)
    .map(({ text }) => text)
    .join("\n");
  for (const phrase of pools.flatMap((pool) => pool.test).filter((phrase) => phrase !== ""))
    expect(learnt).not.toContain(phrase);
});

test("a message names the values of its record; the seed decides all", () => {
  const messages = drawMessages("train", 200, new Random(0));
  expect(new Set(messages.map(({ text }) => text)).size).toBe(200);
  for (const { text, record } of messages) {
    expect(text).toContain(record.product);
    expect(text).toContain(String(record.order ?? record.product));
    expect(text).not.toMatch(/[{}]/);
  }
  expect(messages.filter(({ record }) => record.order === null).length).toBeGreaterThan(20);
  expect(drawMessages("train", 200, new Random(0))).toEqual(messages);
});

test.each([
  ['{"intent":"refund","product":"tea pot","order":1238}', true, 3],
  ['{ "order": "1238", "intent": "refund", "product": "tea pot" }', true, 3],
  ['{"intent":"refund","product":"tea pot","order":1239}', false, 2],
  ['{"intent":"refund","product":"tea pot","order":1238,"more":1}', false, 3],
  ['Here it is: {"intent": "refund", "order": null} Good luck!', false, 1],
  ['{"intent":"refund","product":"tea', false, 0],
  ["I would be glad to help.", false, 0],
])("%s is graded by its fields", (answer, exact, right) => {
  const expected = '{"intent":"refund","product":"tea pot","order":1238}';
  expect(gradeRecord(answer, expected)).toEqual({ exact, right, parts: recordFields.length });
});

/** A chat model over bytes that knows nothing; it cuts texts like GPT-2, which GGUF files can say. */
function chatModel(): string {
  const folder = join(scratch.path, "chat");
  if (existsSync(folder)) return folder;
  writeTinyLlama(folder, { config: { max_position_embeddings: 768 } });
  const path = join(folder, "tokenizer.json");
  const pre_tokenizer = { ...byteTokenizer.pre_tokenizer, use_regex: true };
  writeFileSync(path, JSON.stringify({ ...byteTokenizer, pre_tokenizer }));
  return folder;
}

test("the job runs from its rows to its report on any chat model", async () => {
  const job = recordsDemo(chatModel());
  const short = { ...job, training: { ...job.training, steps: 2 } };
  const notes: string[] = [];
  const watched: Extract<QuickstartEvent, { type: "answers" }>[] = [];
  const tensors: number[] = [];
  const onEvent = (event: QuickstartEvent) => {
    if (event.type === "note") notes.push(event.text);
    if (event.type === "answers") watched.push(event);
    if (event.type === "phase") tensors.push(liveTensorCount());
  };
  const before = liveTensorCount();
  const signal = new AbortController().signal;
  const result = await runDemo(short, { out: join(scratch.path, "out"), seed: 0 }, { signal, onEvent });
  expect(liveTensorCount()).toBe(before);
  // No model is open beside the one that a method trains.
  expect(tensors).toEqual(new Array(4).fill(before));
  expect(result.rows.map(({ method }) => method)).toEqual(["lora", "scalora-i"]);
  // 0 of few is not known to be 0.
  expect(result.before.exact).toMatchObject({ value: 0, low: 0 });
  expect(result.before.exact.high).toBeGreaterThan(0);
  expect(result.samples[0]?.expected).toMatch(/^\{"intent":/);
  expect(notes.join("\n")).toMatch(/before training, on 16 records of the test: 0\.0 % exact/);
  expect([result.before.count, ...result.rows.map(({ count }) => count)]).toEqual([16, 48, 48]);
  // The same messages before, along the way and at the end.
  expect(watched.map(({ when }) => when)).toEqual([
    "before training",
    ...["lora, step 1 of 2", "lora, trained", "scalora-i, step 1 of 2", "scalora-i, trained"],
  ]);
  const [first] = watched.map(({ answers }) => answers.map(({ expected }) => expected));
  for (const { answers } of watched) expect(answers.map(({ expected }) => expected)).toEqual(first);
  expect(notes.some((text) => /On this machine it takes about \d/.test(text))).toBe(true);
  expect(result.exported).toBe(join(scratch.path, "out", "model.gguf"));
  expect(readFileSync(result.exported).subarray(0, 4).toString()).toBe("GGUF");
  for (const file of ["chat.mjs", "Modelfile"])
    expect(readFileSync(join(scratch.path, "out", file), "utf8")).toContain("model.gguf");
  const page = readFileSync(result.report, "utf8");
  for (const text of ["Exact records", "Right fields", "before (16 records)"]) expect(page).toContain(text);
});

test("on a slow machine it makes fewer steps and tests, and says so", async () => {
  const job = recordsDemo(chatModel());
  if (job.pace === undefined) throw new Error("this demo has a pace");
  const pace = { ...job.pace, seconds: 0, least: { steps: 1, tests: 20 } };
  const notes: string[] = [];
  const onEvent = (event: QuickstartEvent) => {
    if (event.type === "note") notes.push(event.text);
  };
  const signal = new AbortController().signal;
  const out = join(scratch.path, "slow");
  const result = await runDemo({ ...job, pace }, { out, seed: 0 }, { signal, onEvent });
  expect(result.rows.map(({ count }) => count)).toEqual([20, 20]);
  expect(notes.join("\n")).toMatch(
    /would take about .* 1 step instead of 30, 20 records in the test instead of 48/,
  );
  expect(readFileSync(result.report, "utf8")).toMatch(/Steps per method/);
});

test("what a stopped quickstart has learnt is kept, and the last line says how to go on", async () => {
  const full = recordsDemo(chatModel());
  // It is stopped just before the answers along the way.
  const job = { ...full, training: { ...full.training, steps: 2 } };
  const stop = new AbortController();
  const notes: string[] = [];
  const onEvent = (event: QuickstartEvent) => {
    if (event.type === "note") notes.push(event.text);
    if (event.type === "run" && event.event.type === "step") stop.abort(new Error("stopped"));
  };
  const out = join(scratch.path, "stopped");
  await expect(runDemo(job, { out, seed: 0 }, { signal: stop.signal, onEvent })).rejects.toThrow("stopped");
  expect(notes.at(-1)).toMatch(/kept \(lora\)[\s\S]*npx scalora train --resume .*stopped\/lora/);
});
