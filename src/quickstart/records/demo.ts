import { programPackages } from "../../export/node-chat-program.ts";
import { elementAt, zip } from "../../util/elements.ts";
import { Random } from "../../util/random.ts";
import { shellQuote } from "../../util/shell-quote.ts";
import type { Demo, Exercise, MethodSettings, Split } from "../demo.ts";
import { generateAnswers } from "../evaluate-model.ts";
import { type CustomerMessage, drawMessages, instruction } from "./customer-messages.ts";
import { gradeRecord } from "./grade-record.ts";

/** Number of messages in each split. Those for validation are not used here, but by the recipe that is left to go on with. */
const sizes: Readonly<Record<Split, number>> = { train: 120, validation: 24, test: 48 };

/** Messages in a step; in training each is seen once. */
const batchSize = 4;

/** Rank of the adapters. */
const rank = 4;

/** The rate that both had in an earlier, harder job (docs/results.md has its sweep); it was not swept for this one. */
const methods: readonly MethodSettings[] = [
  { adapter: { method: "lora", rank }, lr: 5e-3 },
  { adapter: { method: "scalora-i", rank }, lr: 5e-3 },
];

/** The merged model in the quickstart's folder. */
const modelFile = "model.gguf";

/** Maximum tokens of an answer; records have 17 to 24. */
const maxTokens = 32;

/**
 * A demo: a small chat model learns to turn a customer's message into a JSON record.
 * @param model its folder or file; it needs a chat template with a system message
 */
export function recordsDemo(model: string): Demo {
  return {
    title: "turn a customer's message into a JSON record",
    intro:
      "It learns from messages that it sees once each, and is tested on others, whose sentences, products and order numbers " +
      `are in no other message. The adapters have rank ${rank}.`,
    summary:
      "A small chat model is fine-tuned to turn a customer's free-form message into a JSON record: what the customer wants, the " +
      "product, the order number. The test's sentences, products and order numbers never occur in what it learns from.",
    remark:
      "Both methods have the same steps, data and rate, which was not swept. One seed says little: docs/results.md has two.",
    names: { item: "records", part: "fields" },
    model,
    rank,
    methods,
    training: { steps: sizes.train / batchSize, batchSize, evaluations: 0, keepLast: 1 },
    pace: { watched: 3, at: [1 / 3, 2 / 3], testsBefore: 16, seconds: 105, least: { steps: 20, tests: 32 } },
    compute: { dtype: "auto", device: "auto" },
    output: { name: modelFile, format: "gguf", dtype: "q8_0" },
    next: (path, question) => [
      `npx scalora chat ${path(modelFile)} --system ${shellQuote(instruction)}`,
      `npm install --prefix ${path("")} ${programPackages} && node ${path("chat.mjs")} ${shellQuote(question)}`,
      `ollama create records -f ${path("Modelfile")} && ollama run records ${shellQuote(question)}`,
    ],
    makeExercises(seed) {
      const random = new Random(seed);
      const items = (part: Split) => drawMessages(part, sizes[part], random).map(toExercise);
      return { test: items("test"), validation: items("validation"), train: items("train") };
    },
    answer,
  };
}

/** Generates only the answers that are not exact: of the others the text is known. */
const answer: Demo["answer"] = async (open, { items, examples, firstChoices }, { signal }) => {
  const isExact = firstChoices.map((choices) => choices.every(Boolean));
  const others = examples.filter((_, i) => !isExact[i]);
  const generated = (await generateAnswers(open, others, { maxTokens, signal })).values();
  const texts = zip(items, isExact).map(([{ expected }, exact]) =>
    exact ? expected : (generated.next().value ?? ""),
  );
  return { texts, grades: items.map((item, i) => gradeRecord(elementAt(texts, i), item.expected)) };
};

function toExercise({ text, record }: CustomerMessage): Exercise {
  const expected = JSON.stringify(record);
  const messages = [
    { role: "system", content: instruction },
    { role: "user", content: text },
    { role: "assistant", content: expected },
  ];
  return { row: { messages }, question: text, expected };
}
