import { describe, expect, test } from "vitest";
import { fileRefusal } from "../../testing/refusal.ts";
import { loadExamples } from "../load-examples.ts";
import { maskPreview } from "../mask-preview.ts";
import { jsonl, temporaryFile } from "../testing/files.ts";
import { chatml } from "../testing/templates.ts";
import { WordTokenizer } from "../testing/word-tokenizer.ts";
import type { DataConfig } from "../types.ts";

const tokenizer = new WordTokenizer({ chatTemplate: chatml, eos: "<|im_end|>" });

async function load(train: string, config: Partial<DataConfig> = {}) {
  const { examples, report } = await loadExamples({ train, ...config }, tokenizer, { maxLength: 4096 });
  const shown = examples.map(async (example) => {
    const segments = await maskPreview(example, tokenizer);
    const text = segments.map((part) => (part.isLabel ? `[${part.text}]` : part.text)).join("");
    return text.replace("<|im_start|>system\nBe kind<|im_end|>\n", "");
  });
  return { texts: await Promise.all(shown), report };
}

const user = (content: string) => ({ role: "user", content });
const assistant = (content: string) => ({ role: "assistant", content });
/** One exchange, rendered; the answer is trained on. */
const asked = (question: string, answer: string) =>
  `<|im_start|>user\n${question}<|im_end|>\n<|im_start|>assistant\n[${answer}<|im_end|>]\n`;

describe("TRL's shapes", () => {
  test.each([
    ["with a prompt", { prompt: "The sky is", chosen: " blue.", rejected: " green." }],
    ["with an implicit prompt", { chosen: "The sky is blue.", rejected: "The sky is green." }],
  ])("standard preference %s: the chosen answer is trained on", async (_, row) => {
    const { texts, report } = await load(jsonl(row), { format: "preference" });
    expect(texts).toEqual(["The sky is[ blue.<|im_end|>]"]);
    expect(report).toMatchObject({ rows: 1, rejected: 1, dropped: [] });
  });

  test("rows whose two answers are equal are counted, and said once", async () => {
    const { report } = await load(
      jsonl(
        { prompt: "a", chosen: " b", rejected: " b" },
        { prompt: [user("a")], chosen: [assistant("b")], rejected: [assistant("b")] },
        { prompt: "a", chosen: " b", rejected: " c" },
        { chosen: "a b", rejected: "a b" },
      ),
      { format: "preference" },
    );
    expect(report.notes).toEqual(["in 3 rows the chosen and the rejected answer are equal"]);
  });

  test("a file of equal answers alone is refused, with their number", async () => {
    const row = { prompt: "a", chosen: " b", rejected: " b" };
    const path = jsonl(row, row);
    await expect(load(path, { format: "preference" })).rejects.toThrow(
      fileRefusal("data", path, { found: "2 rows whose chosen and rejected answers are equal" }),
    );
  });

  test.each(["chosen", "rejected"])("a row without %s is told so", async (missing) => {
    const row = { prompt: "a", chosen: " b", rejected: " c" };
    const path = jsonl(row, { ...row, [missing]: undefined });
    await expect(load(path, { format: "preference" })).rejects.toThrow(
      fileRefusal("data", `${path}:2`, {
        message: "lacks an answer",
        found: `${missing} is missing`,
      }),
    );
  });

  test.each([
    ["Q: ok? A: Yes", "Q: ok? A: You", "Q: ok? A:[ Yes<|im_end|>]"],
    ["a b", "a b c", "a[ b<|im_end|>]"],
    ["a b\nc", "a b\nd", "a b\n[c<|im_end|>]"],
  ])("an implicit prompt ends between words: %j against %j", async (chosen, rejected, expected) => {
    const { texts } = await load(jsonl({ chosen, rejected }), { format: "preference" });
    expect(texts).toEqual([expected]);
  });

  const turns = {
    earlier: [user("hi"), assistant("hello"), user("sky?")],
    chosen: [assistant("blue")],
    rejected: [assistant("green")],
  };
  test.each([
    ["with a prompt", { prompt: turns.earlier, chosen: turns.chosen, rejected: turns.rejected }],
    [
      "with an implicit prompt, and its text (UltraFeedback)",
      {
        prompt: "sky?",
        chosen: [...turns.earlier, ...turns.chosen],
        rejected: [...turns.earlier, ...turns.rejected],
        score_chosen: 5,
      },
    ],
    [
      "of single messages (LLaMA-Factory)",
      { conversations: turns.earlier, chosen: turns.chosen[0], rejected: turns.rejected[0] },
    ],
  ])("conversational preference %s: earlier answers are not trained on", async (_, row) => {
    const { texts } = await load(jsonl(row), { format: "preference" });
    expect(texts).toEqual([
      `<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nhello<|im_end|>\n${asked("sky?", "blue")}`,
    ]);
  });

  test.each([
    ["standard", (answer: string) => ({ prompt: "sky?", completion: answer })],
    ["conversational", (answer: string) => ({ prompt: [user("sky?")], completion: [assistant(answer)] })],
    ["of messages (LLaMA-Factory)", (answer: string) => ({ messages: [user("sky?"), assistant(answer)] })],
  ])("unpaired preference, %s: rows with false are left out and counted", async (_, row) => {
    const path = jsonl(
      { ...row("blue"), label: true },
      { ...row("green"), label: false },
      { ...row("red"), label: 0 },
    );
    const { texts, report } = await load(path, { format: "unpaired-preference", render: "chat" });
    expect(texts).toEqual([asked("sky?", "blue")]);
    expect(report).toMatchObject({ rows: 3, rejected: 2, dropped: [] });
  });

  test("of a chat with a verdict only the last answer is trained on", async () => {
    const messages = [user("a"), assistant("b"), user("c"), assistant("d")];
    const { texts } = await load(jsonl({ messages, kto_tag: true }), { format: "unpaired-preference" });
    expect(texts).toEqual([
      `<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n${asked("c", "d")}`,
    ]);
  });

  test("prompt and completion may be messages", async () => {
    const row = { prompt: [user("sky?")], completion: [assistant("blue")] };
    expect((await load(jsonl(row))).texts).toEqual([asked("sky?", "blue")]);
  });

  test("verdicts in a CSV file are words", async () => {
    const path = temporaryFile("kto.csv", "prompt,completion,label\nsky?, blue,True\nsky?, red,False\n");
    const { texts, report } = await load(path, { format: "unpaired-preference" });
    expect([texts, report.rejected]).toEqual([["sky?[ blue<|im_end|>]"], 1]);
  });

  test("OpenAI's weight of a message is its train flag", async () => {
    const messages = [
      user("a"),
      { ...assistant("b"), weight: 0 },
      user("c"),
      { ...assistant("d"), weight: 1 },
    ];
    const { texts } = await load(jsonl({ messages }));
    expect(texts).toEqual([
      `<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n${asked("c", "d")}`,
    ]);
  });
});

describe("rows that are not to be imitated as they are", () => {
  const messages = [user("sky?"), assistant("blue")];
  test.each<[string, object, Partial<DataConfig>, string]>([
    ["pairs", { prompt: "a", chosen: "b", rejected: "c" }, {}, "data.format: preference"],
    [
      "pairs beside messages",
      { messages, chosen: "b", rejected: "c" },
      { format: "messages" },
      "data.format: preference",
    ],
    ["verdicts on chats", { messages, label: false }, {}, "data.format: unpaired-preference"],
    [
      "verdicts, format named",
      { messages, label: true },
      { format: "messages" },
      "data.format: unpaired-preference",
    ],
    [
      "verdicts on completions",
      { prompt: "a", completion: "b", label: "False" },
      {},
      "data.format: unpaired-preference",
    ],
    ["verdicts of 0 and 1", { messages, label: 0 }, {}, "data.format: unpaired-preference"],
    [
      "verdicts under another name",
      { prompt: "a", completion: "b", Is_Correct: "1" },
      {},
      "data.format: unpaired-preference",
    ],
    [
      "rejected responses",
      { prompt: "a", completion: "b", rejected_response: "c" },
      {},
      "data.format: preference",
    ],
    ["scores, whatever their case", { messages, Score: 0.1 }, {}, "data.format: messages"],
    ["scores", { messages, score: 0.1 }, {}, "data.format: messages"],
    ["rewards", { prompt: "a", completion: "b", reward: -3 }, {}, "data.format: prompt-completion"],
    ["weights", { instruction: "a", output: "b", weight: 0 }, {}, "data.format: alpaca"],
  ])("%s are refused with the cure", async (_, row, config, cure) => {
    const path = jsonl(row);
    await expect(load(path, config)).rejects.toThrow(
      fileRefusal("data", path, { where: ":1", fix: expect.stringContaining(cure) }),
    );
  });

  test("a verdict that only later rows have is found too", async () => {
    const path = jsonl({ messages }, { messages, label: false });
    await expect(load(path)).rejects.toThrow(fileRefusal("data", path, { where: ":2" }));
  });

  test("where the format is named, a grade is passed over and said to be", async () => {
    const path = jsonl({ messages, score: 0.1 });
    const { texts, report } = await load(path, { format: "messages" });
    expect(texts).toHaveLength(1);
    expect(report.notes).toEqual([`${path}: the column score is not read, all rows are trained on alike`]);
  });

  test.each<[string, object, Partial<DataConfig>, string]>([
    [
      "a verdict that is none",
      { prompt: "a", completion: "b", label: "maybe" },
      { format: "unpaired-preference" },
      ', column "label"',
    ],
    ["no prompt", { chosen: "b", rejected: "c" }, { format: "preference" }, ""],
    [
      "chats without a common message",
      { chosen: messages, rejected: [user("x")] },
      { format: "preference" },
      "",
    ],
    ["answers of two kinds", { prompt: "a", chosen: messages, rejected: "c" }, { format: "preference" }, ""],
    ["answers that are neither", { prompt: "a", chosen: 1, rejected: 2 }, { format: "preference" }, ""],
    ["a message's weight", { messages: [user("a"), { ...assistant("b"), weight: 0.5 }] }, {}, ", message 2"],
  ])("%s is an error of the row", async (_, row, config, place) => {
    const path = jsonl(row);
    await expect(load(path, config)).rejects.toThrow(fileRefusal("data", path, { where: `:1${place}` }));
  });

  test("a file of rejected answers alone has nothing to train on", async () => {
    const path = jsonl({ prompt: "a", completion: "b", label: false });
    await expect(load(path, { format: "unpaired-preference" })).rejects.toThrow(
      fileRefusal("data", path, { found: "1 rejected answer" }),
    );
  });
});

test("maths of LLM-Adapters become rows of GSM8K; solutions that end in another answer are dropped", async () => {
  const row = (output: string, answer: string | number) => ({
    instruction: "2+2?",
    input: "",
    output,
    answer,
  });
  const path = jsonl(
    row("\nA: It is 2 + 2 = 4. The answer is 4.", "4.0"),
    row("The answer is 5.", 4),
    row("So (C).", "C"),
  );
  const { texts, report } = await load(path, { format: "gsm8k" });
  expect(texts).toEqual([
    expect.stringMatching(/^Question: 2\+2\?\nAnswer:\[ A: It .*4\.\n#### 4<\|im_end\|>\]$/s),
    expect.stringMatching(/#### C<\|im_end\|>\]$/),
  ]);
  expect(report.dropped).toEqual([{ source: `${path}:2`, reason: "its output does not end in its answer" }]);
});
