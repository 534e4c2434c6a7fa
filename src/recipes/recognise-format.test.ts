import { expect, test } from "vitest";
import { recogniseFormat } from "./recognise-format.ts";

const recognise = (row: Record<string, unknown>, { isClassifier = false } = {}) =>
  recogniseFormat([row], "a.jsonl", isClassifier);

test.each([
  ["messages", { messages: [{ role: "user", content: "x" }], id: 1 }, undefined],
  ["messages", { conversations: [] }, undefined],
  ["prompt-completion", { prompt: "a", completion: "b" }, undefined],
  ["alpaca", { instruction: "a", input: "", output: "b" }, undefined],
  ["text", { text: "a", source: "web" }, undefined],
  ["prompt-completion", { question: "a", answer: "b" }, { prompt: "question", completion: "answer" }],
  ["prompt-completion", { input: "a", output: "b" }, { prompt: "input", completion: "output" }],
  ["prompt-completion", { id: 3, query: "a", response: "b" }, { prompt: "query", completion: "response" }],
  ["gsm8k", { question: "1 + 1?", answer: "It is 2.\n#### 2" }, undefined],
  ["metamathqa", { type: "GSM_SV", query: "1 + 1?", response: "It is 2.\nThe answer is: 2" }, undefined],
  ["gsm8k", { instruction: "1 + 1?", input: "", output: "So it is 2.", answer: "2.0" }, undefined],
  [
    "commonsense",
    { instruction: "a", input: "", output: "the correct answer is true", answer: "true" },
    undefined,
  ],
  ["text", { id: 1, story: "once" }, { text: "story" }],
  ["preference", { prompt: "a", chosen: "b", rejected: "c" }, undefined],
  ["preference", { chosen: [], rejected: [] }, undefined],
  ["preference", { question: "a", chosen: "b", rejected: "c" }, { prompt: "question" }],
  ["unpaired-preference", { prompt: "a", completion: "b", label: true }, undefined],
  ["unpaired-preference", { messages: [], kto_tag: false }, undefined],
  ["prompt-completion", { prompt: "a", completion: "b", label: "news" }, undefined],
] as const)("%s: %j", (format, row, columns) => {
  expect(recognise(row)).toMatchObject({ format, ...(columns && { columns }) });
  expect("columns" in recognise(row)).toBe(columns !== undefined);
});

test.each([
  [{ text: "a", label: 1 }, undefined],
  [{ sentence1: "a", sentence2: "b", label: "x" }, undefined],
  [
    { review: "a", stars: 5 },
    { text: "review", label: "stars" },
  ],
  [
    { premise: "a", hypothesis: "b", label: 0 },
    { text: "premise", pair: "hypothesis", label: "label" },
  ],
] as const)("for an encoder: %j", (row, columns) => {
  const recognised = recognise(row, { isClassifier: true });
  expect(recognised).toMatchObject({ format: "classification" });
  expect(recognised.columns).toEqual(columns);
});

test("it says what the format was recognised by, and which columns are not read", () => {
  expect(recognise({ question: "a", answer: "b", id: 1 })).toMatchObject({
    reason: "columns question and answer, by their names",
    ignored: ["id"],
  });
});

test("it says what becomes of rejected answers and of grades", () => {
  const reasonOf = (row: Record<string, unknown>) => recognise(row).reason;
  expect(reasonOf({ prompt: "a", chosen: "b", rejected: "c" })).toMatch(/^columns chosen, .*left out$/);
  expect(reasonOf({ messages: [], label: false })).toMatch(/ those with false left out$/);
  expect(reasonOf({ messages: [], score: 1 })).toMatch(/alike, whatever their score$/);
});

test("maths with an answer beside the solution: rows that contradict it are dropped, or it says how to drop them", () => {
  const maths = (output: string, answer: unknown) => ({ instruction: "1 + 1?", input: "", output, answer });
  const of = (...rows: object[]) =>
    recogniseFormat(
      rows.map((row) => ({ ...row })),
      "a.jsonl",
      false,
    );
  expect(of(maths("It is 3.", 2), maths("It is 2.", "2"), maths("So (B).", "B"))).toMatchObject({
    format: "gsm8k",
    reason: expect.stringMatching(/output does not end in its answer is dropped$/),
    ignored: [],
  });
  for (const rows of [[maths("It is 3.", 2)], [maths("It is 2.", 2), maths("It is red.", "red")]])
    expect(of(...rows)).toMatchObject({
      format: "alpaca",
      reason: expect.stringContaining("data.format: gsm8k"),
      ignored: ["answer"],
    });
  expect(of(maths("It is red.", "red")).reason).not.toContain("gsm8k");
});

test("columns that fit nothing are named", () => {
  for (const row of [{}, { a: "x", b: "y" }, { n: 1 }])
    expect(() => recognise(row)).toThrow(
      expect.objectContaining({
        code: "data",
        where: "a.jsonl",
        found: `columns ${Object.keys(row).join(", ") || "none"}`,
      }),
    );
  expect(() => recognise({ text: "no label" }, { isClassifier: true })).toThrow(
    expect.objectContaining({ expected: "a text and a label" }),
  );
});
