import { elementAt } from "../../util/elements.ts";
import { Random } from "../../util/random.ts";
import { shellQuote } from "../../util/shell-quote.ts";
import type { Demo, Exercise, MethodSettings, Split } from "../demo.ts";
import { generateAnswers } from "../evaluate-model.ts";
import { type CustomerMessage, drawMessages, instruction } from "./customer-messages.ts";
import { nodeProgram, ollamaFile } from "./gguf-chat-programs.ts";
import { gradeRecord } from "./grade-record.ts";

/** Number of messages in each split. */
const sizes: Readonly<Record<Split, number>> = { train: 200, validation: 24, test: 64 };

/** Rank of the adapters. */
const rank = 4;

/**
 * From bench/records.ts (docs/results.md): the best rate of ScaLoRA-I's sweep, and for LoRA the better of its two best rates
 * on three seeds.
 */
const methods: readonly MethodSettings[] = [
  { adapter: { method: "lora", rank }, lr: 5e-3 },
  { adapter: { method: "scalora-i", rank }, lr: 5e-3 },
];

/** The merged model in the quickstart's folder. */
const modelFile = "model.gguf";

/** Maximum tokens of an answer; records have about 30. */
const maxTokens = 48;

/**
 * A demo: a small chat model learns to turn a customer's message into a JSON record.
 * @param model its folder or file; it needs a chat template with a system message
 */
export function recordsDemo(model: string): Demo {
  return {
    title: "turn a customer's message into a JSON record",
    intro:
      `${sizes.train} messages teach it; ${sizes.test} others are the test, whose wording, products and numbers are in no ` +
      `other message. The adapters have rank ${rank}.`,
    summary:
      "A small chat model is fine-tuned to turn a customer's free-form message into a JSON record. The test's wording, products " +
      `and order numbers never occur in what it learns from (${sizes.train} messages to learn from, ${sizes.test} in the test).`,
    remark:
      "Each method at the best learning rate found for it. One seed says little: docs/results.md has three, and the sweep.",
    names: { item: "records", part: "fields" },
    model,
    rank,
    methods,
    training: { steps: 50, batchSize: 4, evaluations: 2, keepLast: 1 },
    compute: { dtype: "auto", device: "auto" },
    output: { name: modelFile, format: "gguf", dtype: "q8_0" },
    programs: (question) => ({
      "chat.mjs": nodeProgram(modelFile, question),
      Modelfile: ollamaFile(modelFile),
    }),
    next: (path, question) => [
      `npx scalora chat ${path(modelFile)} --system ${shellQuote(instruction)}`,
      `npm install --prefix ${path("")} node-llama-cpp && node ${path("chat.mjs")}`,
      `ollama create records -f ${path("Modelfile")} && ollama run records ${shellQuote(question)}`,
    ],
    makeExercises(seed) {
      const random = new Random(seed);
      const items = (part: Split) => drawMessages(part, sizes[part], random).map(toExercise);
      return { test: items("test"), validation: items("validation"), train: items("train") };
    },
    async answer(open, { items, examples }, { signal }) {
      const texts = await generateAnswers(open, examples, { maxTokens, signal });
      return { texts, grades: items.map((item, i) => gradeRecord(elementAt(texts, i), item.expected)) };
    },
  };
}

function toExercise({ text, record }: CustomerMessage): Exercise {
  const expected = JSON.stringify(record);
  const messages = [
    { role: "system", content: instruction },
    { role: "user", content: text },
    { role: "assistant", content: expected },
  ];
  return { row: { messages }, question: text, expected };
}
