import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeTranslationSplits } from "../quickstart/translation/translation-examples.ts";
import { eventsOfType } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { setThreads } from "../torch/index.ts";
import { runScalora } from "./testing/scalora.ts";

let folder = "";
const at = (...parts: string[]) => join(folder, ...parts);
beforeAll(() => {
  setThreads(1);
  folder = mkdtempSync(join(tmpdir(), "scalora-profile-"));
  const rows = makeTranslationSplits(1).train.slice(0, 60);
  writeFileSync(at("train.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  writeFileSync(
    at("recipe.yaml"),
    `model: {path: ${resolve("assets/tiny")}, device: cpu, gemmBackend: aten}
adapter: {method: lora, rank: 2}
data: {train: ${at("train.jsonl")}, eval: none}
train: {steps: 6, batchSize: 4, lr: 1e-3}
run: {folder: ${at("runs")}, samples: 0}
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (name: string, ...more: string[]) =>
  runScalora("train", at("recipe.yaml"), "--set", `run.name=${name}`, ...more);

test("--profile shows the tables, writes them and a trace, and trains as without it", async () => {
  expect((await train("plain")).code).toBe(0);
  const { code, stderr } = await train("profiled", "--profile");
  expect(code).toBe(0);
  expect(stderr).toContain("profile of steps 3 to 5, after 2 to warm up");
  expect(stderr).toMatch(/^model\.layers\.\*\.self_attn\.q_proj +4 /m);
  expect(stderr).toContain("The run's folder has each module (profile.txt)");
  expect(readFileSync(at("runs/profiled/profile.txt"), "utf8")).toMatch(
    /^model\.layers\.3\.self_attn\.q_proj /m,
  );
  expect(JSON.parse(readFileSync(at("runs/profiled/trace.json"), "utf8")).traceEvents.length).toBeGreaterThan(
    1000,
  );
  const losses = (name: string) => eventsOfType(readEvents(at("runs", name)), "step").map(({ loss }) => loss);
  expect(losses("profiled")).toEqual(losses("plain"));
  expect(existsSync(at("runs/plain/trace.json"))).toBe(false);
});

test("a finished run that is resumed with --profile has nothing to profile, and says so", async () => {
  expect((await train("finished")).code).toBe(0);
  const { code, stderr } = await runScalora("train", "--resume", at("runs/finished"), "--profile");
  expect(code).toBe(0);
  expect(stderr).toContain("this run is already finished; nothing to do, and no step to profile");
  expect(existsSync(at("runs/finished/trace.json"))).toBe(false);
});
