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
