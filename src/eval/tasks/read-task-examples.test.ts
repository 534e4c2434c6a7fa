import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { type FileRefusal, fileRefusal, refusal } from "../../testing/refusal.ts";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { boolq } from "./commonsense/boolq.ts";
import { gsm8k } from "./math/gsm8k.ts";
import { math } from "./math/math.ts";
import { svamp } from "./math/svamp.ts";
import { readTaskExamples } from "./read-task-examples.ts";
import type { Row, TextTask } from "./task.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("reading ends when its signal comes, and only then", async () => {
  mkdirSync(join(scratch.path, "gsm8k"));
  const rows = Array.from({ length: 2000 }, (_, i) =>
    JSON.stringify({ question: `${i}?`, answer: `#### ${i}` }),
  );
  writeFileSync(join(scratch.path, "gsm8k", "test.jsonl"), rows.join("\n"));
  const stop = new AbortController();
  const options = { split: "test", signal: stop.signal } as const;
  expect(await readTaskExamples(gsm8k, [scratch.path], options)).toHaveLength(2000);
  const reading = readTaskExamples(gsm8k, [scratch.path], options);
  await setImmediate();
  stop.abort(new Error("enough"));
  await expect(reading).rejects.toThrow("enough");
});

/** The examples of a file with these rows. */
const readFile = (task: TextTask, rows: readonly Row[], columns?: Record<string, string>) => {
  const path = join(scratch.path, "rows.json");
  writeFileSync(path, JSON.stringify(rows));
  return readTaskExamples(task, [path], { split: "test", columns });
};
const refused = (fields: FileRefusal) =>
  fileRefusal("data", join(scratch.path, "rows.json:1"), {
    fix: expect.stringContaining("--columns"),
    ...fields,
  });

test("a file of another name that is given by itself is evaluated, and no training split", async () => {
  const path = join(scratch.path, "mine.jsonl");
  writeFileSync(path, '{"question": "1?", "answer": "#### 1"}\n');
  expect(await readTaskExamples(gsm8k, [path], { split: "test" })).toHaveLength(1);
  await expect(readTaskExamples(gsm8k, [path], { split: "train" })).rejects.toThrow(
    refusal("usage", { where: path, expected: "/ train ." }),
  );
});

test("MATH needs no solution where the rows have an answer, under whatever name", async () => {
  const rows = [
    { question: "1+1?", gold: "2", solution: "\\boxed{3}" },
    { question: "2+2?", gold: 4 },
  ];
  const examples = await readFile(math, rows, { problem: "question", answer: "gold" });
  expect(examples).toMatchObject([
    { answer: "2", completion: " \\boxed{3}\nFinal Answer: The final answer is $2$. I hope it is correct." },
    { answer: "4", completion: " Final Answer: The final answer is $4$. I hope it is correct." },
  ]);
});

test.each<[TextTask, Row, Record<string, string> | undefined, FileRefusal]>([
  [
    boolq,
    { id: 1, text: "?" },
    undefined,
    { expected: "instruction + output + answer, or question + passage + answer", found: "columns id, text" },
  ],
  [
    svamp,
    { id: 1, text: "?" },
    undefined,
    { expected: expect.stringContaining("Question/sQuestion/question") },
  ],
  [
    math,
    { q: "?", a: "2" },
    { problem: "q" },
    { expected: "problem + solution, or problem + answer", found: "columns q, a" },
  ],
])(
  "rows without a task's columns are refused with all that it takes and the file's own: %#",
  async (task, row, columns, fields) => {
    await expect(readFile(task, [row], columns)).rejects.toThrow(refused(fields));
  },
);
