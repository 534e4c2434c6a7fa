import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseRecipe } from "../config/index.ts";
import { eventsOfType, type RunEvent } from "../run/events.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { capitalRows, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount, setThreads } from "../torch/index.ts";
import { previewData } from "./preview-data.ts";
import { runTraining } from "./run-training.ts";

const scratch = temporaryFolder();
beforeAll(() => {
  setThreads(1);
  writeTinyProject(scratch.path);
  const empty = JSON.stringify({ prompt: "x=", completion: "", note: "no label" });
  const long = JSON.stringify({ prompt: "abc=", completion: "ABC".repeat(30) });
  writeFileSync(
    join(scratch.path, "mixed.jsonl"),
    `${capitalRows(20)}${empty}\n${long}\n${capitalRows(20, 20)}`,
  );
});
afterAll(scratch.remove);

const recipe = (data: object, train: object = {}) =>
  parseRecipe(
    {
      model: { path: "model", device: "cpu" },
      adapter: { method: "lora", rank: 2 },
      data: { train: "mixed.jsonl", eval: { holdOut: 4 }, ...data },
      train: { batchSize: 4, ...train },
      run: { samples: 0 },
    },
    { cwd: scratch.path },
  );

test("rows, tokens and steps are those that training records", async () => {
  const one = recipe({ maxLength: 24 }, { epochs: 0.3, batchTokens: 100, batchSize: undefined });
  const live = liveTensorCount();
  const preview = await previewData(one, { rows: 2 });
  expect(liveTensorCount()).toBe(live);
  const events: RunEvent[] = [];
  const { totalSteps } = await runTraining(one, {
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
  });
  const [start] = eventsOfType(events, "start");
  expect(start?.data).toMatchObject({
    ...preview.counts,
    truncated: preview.truncated,
    dropped: preview.dropped,
  });
  expect(preview.batches.steps).toBe(totalSteps);
  // 42 rows: one dropped, four held out.
  expect(preview.counts).toMatchObject({ rows: 37, heldOut: 4 });
  expect(preview.truncated).toBe(1);
  expect(preview.dropped).toEqual([
    { source: expect.stringMatching(/mixed\.jsonl:21$/), reason: expect.any(String) },
  ]);
  expect(preview.files).toMatchObject([{ format: "prompt-completion", rows: 42 }]);
});

test("a row is shown as its tokens are: special tokens, and which are labels", async () => {
  const { rows } = await previewData(recipe({ eval: "none" }), { rows: 1 });
  const [row] = rows;
  expect(row?.source).toMatch(/mixed\.jsonl:1$/);
  const labels = row?.segments.filter(({ isLabel }) => isLabel) ?? [];
  expect(labels.map(({ text }) => text).join("")).toMatch(/^[A-Z]{3}/);
  expect(row?.segments.some(({ isSpecial }) => isSpecial)).toBe(true);
  expect(row?.segments.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(row?.tokens);
  expect(labels.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(row?.labelTokens);
});

test("lengths are counted in bins and quantiles; packed batches say how full they are", async () => {
  const { lengths, counts, batches } = await previewData(
    recipe({ maxLength: 24 }, { batchTokens: 100, batchSize: undefined }),
    { rows: 0 },
  );
  expect(lengths.maxLength).toBe(24);
  expect(lengths.histogram.reduce((sum, { rows }) => sum + rows, 0)).toBe(counts.rows);
  expect(lengths.quantiles.at(-1)).toEqual({ fraction: 1, tokens: 24 });
  expect(lengths.histogram.at(-1)?.rows).toBe(1);
  expect(batches).toMatchObject({ batchTokens: 100, accumulate: 1 });
  expect(batches.filled).toBeCloseTo(counts.tokens / (100 * batches.inEpoch), 10);
});

test("a budget that no batch fills is said to be so", async () => {
  const { counts, warnings } = await previewData(recipe({}, { batchTokens: 1e6, batchSize: undefined }), {
    rows: 0,
  });
  expect(warnings).toContainEqual(
    `train.batchTokens 1,000,000 is more than the data: every batch holds all ${counts.tokens} tokens`,
  );
});

test("tokens that the vocabulary lacks are counted", async () => {
  const row = { prompt: "the xqzy in Lumi :", completion: " xqzy xqzy" };
  writeFileSync(join(scratch.path, "unknown.jsonl"), JSON.stringify(row));
  const { model, ...rest } = recipe({ train: "unknown.jsonl", eval: "none" });
  const path = fileURLToPath(new URL("../../assets/tiny", import.meta.url));
  const { unknownTokens } = await previewData({ ...rest, model: { ...model, path } }, { rows: 0 });
  expect(unknownTokens).toBe(3);
});
