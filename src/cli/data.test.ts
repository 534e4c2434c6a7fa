import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DataPreview } from "../recipes/preview-data.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { capitalRows, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { painter } from "./terminal/painter.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";
import { CapturedStream } from "./testing/terminal.ts";
import { dataPreviewText } from "./views/data-view.ts";

const scratch = temporaryFolder();
const recipePath = join(scratch.path, "recipe.yaml");
beforeAll(() => {
  writeTinyProject(scratch.path);
  const data = join(scratch.path, "train.jsonl");
  writeFileSync(data, `${JSON.stringify({ prompt: "x=", completion: "" })}\n${capitalRows(20)}`);
  writeFileSync(
    recipePath,
    `model: {path: ${scratch.path}/model}\nadapter: {method: lora}\ndata: {train: ${data}, eval: none}\n`,
  );
});
afterAll(scratch.remove);

test("scalora data shows rows with their mask, lengths and what is dropped", async () => {
  const { code, stdout, stderr } = await runScalora("data", recipePath, "--rows", "1");
  expect(code).toBe(0);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^trained on +20 rows$/m);
  expect(stdout).toMatch(/^1 row dropped:\n {2}.*train\.jsonl:1: its completion is empty$/m);
  expect(stdout).toMatch(/train\.jsonl:2 {2}\d+ of \d+ tokens trained on\n.*=«[A-Z]{3}.*»$/m);
  expect(stdout).toMatch(/^shortest \d+ .* longest \d+\n/m);
});

test("--json has everything, --set changes the recipe", async () => {
  const preview = await scaloraJson("data", recipePath, "--set", "data.maxLength=6", "--rows", "2");
  expect(preview).toMatchObject({
    counts: { rows: 20, heldOut: 0 },
    truncated: 20,
    lengths: { maxLength: 6 },
  });
  expect(preview.rows).toHaveLength(2);
});

test("a token budget of which no batch takes much is warned about", async () => {
  const { stdout } = await runScalora("data", recipePath, "--set", "train.batchTokens=1e9");
  expect(stdout).toMatch(
    /^warning: train\.batchTokens 1,000,000,000 is more than the data: every batch holds all [\d,]+ tokens$/m,
  );
});

const preview: DataPreview = {
  files: [{ path: "a.jsonl", format: "text", rows: 2, ignoredColumns: ["id"] }],
  counts: { rows: 2, heldOut: 0, tokens: 8, labelTokens: 2 },
  unknownTokens: 1200,
  truncated: 1,
  dropped: [],
  rejected: 0,
  warnings: ["1 of 2 rows truncated to data.maxLength", "a column is not rendered"],
  lengths: {
    maxLength: 4,
    quantiles: [{ fraction: 0.5, tokens: 4 }],
    histogram: [{ from: 4, to: 4, rows: 2 }],
  },
  batches: { inEpoch: 1, accumulate: 2, steps: 1, batchTokens: 10, filled: 0.8 },
  rows: [
    {
      source: "a.jsonl:1",
      tokens: 4,
      labelTokens: 2,
      segments: [
        { text: "<s>", isLabel: false, isSpecial: true, tokens: 1 },
        { text: "a\nb", isLabel: false, isSpecial: false, tokens: 1 },
        { text: "c\x1b[2J", isLabel: true, isSpecial: false, tokens: 1 },
        { text: "</s>", isLabel: true, isSpecial: true, tokens: 1 },
      ],
    },
    { source: "a.jsonl:2", tokens: 1, labelTokens: 0, segments: [], label: "good" },
  ],
};

test("without colours labels are marked, with colours they are green; line by line, without a row's own escapes", () => {
  const plain = dataPreviewText(preview, { paint: painter(new CapturedStream(), {}) });
  expect(plain).toContain("a.jsonl:1  2 of 4 tokens trained on\n  <s>a\n  b«c</s>»");
  expect(plain).toContain("a.jsonl:2  1 token, label good");
  expect(plain).toMatch(/^unknown +1,200 tokens: text that the vocabulary lacks$/m);
  expect(plain).toContain("limit 4: 1 row cut");
  expect(plain).toContain("1 in an epoch, of up to 10 tokens, 80.0 % filled; 2 of them a step");
  expect(plain).toContain("warning: a column is not rendered");
  expect(plain).not.toContain("truncated to");
  const coloured = dataPreviewText(preview, { paint: painter(new CapturedStream({ isTTY: true }), {}) });
  expect(coloured).toContain(
    "  \x1b[36m<s>\x1b[39m\x1b[2ma\x1b[22m\n  \x1b[2mb\x1b[22m\x1b[32mc\x1b[39m\x1b[36m</s>\x1b[39m",
  );
  expect(coloured).not.toMatch(/[«»]/);
});

test("a long row is cut, with the number of characters left out", () => {
  const [row] = preview.rows;
  const segments = [{ text: "x".repeat(5000), isLabel: false, tokens: 9 }];
  const text = dataPreviewText(
    { ...preview, rows: row ? [{ ...row, segments }] : [] },
    { paint: (_, plain) => plain },
  );
  expect(text).toContain("x … and 2,000 more characters (--json shows all)");
});
