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

const { intents, urgencies, ...others } = phrases();
const pools: Pool[] = [intents, urgencies, others].flatMap((each) => Object.values(each));

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
    expect(text).toContain(record.order ?? record.product);
    expect(text).not.toMatch(/[{}]/);
  }
  expect(messages.filter(({ record }) => record.order === null).length).toBeGreaterThan(20);
  expect(drawMessages("train", 200, new Random(0))).toEqual(messages);
});

test.each([
  ['{"intent":"refund","product":"tea pot","order":"12348","urgency":"low"}', true, 4],
  ['{ "urgency": "low", "intent": "refund", "product": "tea pot", "order": 12348 }', true, 4],
  ['{"intent":"refund","product":"tea pot","order":"12349","urgency":"low"}', false, 3],
  ['{"intent":"refund","product":"tea pot","order":"12348","urgency":"low","more":1}', false, 4],
  ['Here it is: {"intent": "refund", "order": null} Good luck!', false, 1],
  ['{"intent":"refund","product":"tea', false, 0],
  ["I would be glad to help.", false, 0],
])("%s is graded by its fields", (answer, exact, right) => {
  const expected = '{"intent":"refund","product":"tea pot","order":"12348","urgency":"low"}';
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
  const onEvent = (event: QuickstartEvent) => {
    if (event.type === "note") notes.push(event.text);
  };
  const before = liveTensorCount();
  const signal = new AbortController().signal;
  const result = await runDemo(short, { out: join(scratch.path, "out"), seed: 0 }, { signal, onEvent });
  expect(liveTensorCount()).toBe(before);
  expect(result.rows.map(({ method }) => method)).toEqual(["lora", "scalora-i"]);
  // 0 of few is not known to be 0.
  expect(result.before.exact).toMatchObject({ value: 0, low: 0 });
  expect(result.before.exact.high).toBeGreaterThan(0);
  expect(result.samples[0]?.expected).toMatch(/^\{"intent":/);
  expect(notes.join("\n")).toContain("0.0 % of records exact");
  expect(result.exported).toBe(join(scratch.path, "out", "model.gguf"));
  expect(readFileSync(result.exported).subarray(0, 4).toString()).toBe("GGUF");
  for (const file of ["chat.mjs", "Modelfile"])
    expect(readFileSync(join(scratch.path, "out", file), "utf8")).toContain("model.gguf");
  const page = readFileSync(result.report, "utf8");
  for (const text of ["Exact records", "Right fields", "before"]) expect(page).toContain(text);
});

test("what a stopped quickstart has learnt is kept, and the last line says how to go on", async () => {
  const job = recordsDemo(chatModel());
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
