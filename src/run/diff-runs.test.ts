import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { diffRuns } from "./diff-runs.ts";

const scratch = temporaryFolder();
afterAll(scratch.remove);

test("the peak memory of a run of 200,000 steps is among the figures", () => {
  const run = join(scratch.path, "long");
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "config.yaml"), "train: {steps: 200000}\n");
  const numbers = { loss: 1, lr: 1, gradNorm: 1, clipped: false, tokens: 9, labelTokens: 9, seconds: 1 };
  const lines = Array.from({ length: 200_000 }, (_, i) =>
    JSON.stringify({ time: "2026-01-01T00:00:00Z", type: "step", step: i + 1, memory: i % 1000, ...numbers }),
  );
  writeFileSync(join(run, "events.jsonl"), lines.join("\n"));
  const { results } = diffRuns(run, run);
  expect(results).toContainEqual({ name: "peak memory in bytes", values: [999, 999] });
});

function recordRun(name: string, config: string, lines: readonly object[] = []): string {
  const run = join(scratch.path, name);
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "config.yaml"), config);
  const events = lines.map((line) => `${JSON.stringify({ time: "2026-01-01T00:00:00Z", ...line })}\n`);
  writeFileSync(join(run, "events.jsonl"), events.join(""));
  return run;
}

test("a key with a value in one run and with keys in the other is one difference", () => {
  const held = recordRun("held", "data: {eval: {holdOut: 32}, seed: 1}\n");
  const none = recordRun("none", "data: {eval: none, seed: 1}\n");
  const expected = { key: "data.eval", values: [{ holdOut: 32 }, "none"] };
  expect(diffRuns(held, none).recipe).toEqual([expected]);
  expect(diffRuns(none, held).recipe).toEqual([{ ...expected, values: expected.values.toReversed() }]);
});

test("a run that failed at step 0 has 0 steps", () => {
  const end = { type: "end", step: 0, reason: "failed", seconds: 1 };
  const failed = recordRun("failed", "train: {steps: 2}\n", [end]);
  expect(diffRuns(failed, failed).results).toContainEqual({ name: "steps", values: [0, 0] });
});
