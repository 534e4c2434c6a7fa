import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeTranslationSplits } from "../quickstart/translation/translation-examples.ts";
import { readStatus } from "../run/status.ts";
import { setThreads } from "../torch/index.ts";
import { runScalora } from "./testing/scalora.ts";

let folder = "";
const at = (...parts: string[]) => join(folder, ...parts);
beforeAll(() => {
  setThreads(1);
  folder = mkdtempSync(join(tmpdir(), "scalora-divergence-"));
  const rows = makeTranslationSplits(1).train.slice(0, 60);
  writeFileSync(at("train.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  writeFileSync(
    at("recipe.yaml"),
    `model: {path: ${resolve("assets/tiny")}, device: cpu}
adapter: {method: lora, rank: 2}
data: {train: ${at("train.jsonl")}, eval: {holdOut: 8}}
train: {steps: 80, batchSize: 4, lr: 1e6}
run: {folder: ${at("runs")}, samples: 0}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a learning rate of a million ends with 1, a checkpoint, a status and a report that say so", async () => {
  const { code, stdout, stderr } = await runScalora("train", at("recipe.yaml"), "--set", "run.name=far");
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/error: The training has diverged; the run stops after step \d\d\n/);
  expect(stderr).toContain(", and 7.1647 is the loss of guessing");
  expect(readStatus(at("runs/far"))).toMatchObject({ state: "failed" });
  expect(readFileSync(at("runs/far/report.html"), "utf8")).toContain("The training has diverged");
});

test("a short run that collapses is not called worse than it began: it says so, and fails on request", async () => {
  const short = (name: string, ...more: string[]) =>
    runScalora("train", at("recipe.yaml"), "--set", "train.steps=8", "--set", `run.name=${name}`, ...more);
  const { code, stdout, stderr } = await short("told");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^COLLAPSED +predicts by guessing: the loss is that of guessing, 7.1647/m);
  expect(stderr).toContain("warning: the run collapsed: the loss is that of guessing");
  expect((await short("failed", "--fail-on-divergence", "--json")).code).toBe(1);
});
