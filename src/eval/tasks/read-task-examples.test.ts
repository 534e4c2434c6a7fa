import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/tiny-run.ts";
import { gsm8k } from "./math/gsm8k.ts";
import { readTaskExamples } from "./read-task-examples.ts";

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
