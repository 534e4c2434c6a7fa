import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { readEvents } from "../run/read-events.ts";
import { runChild } from "../testing/child-process.ts";
import { writeTinySentimentProject } from "../testing/tiny-bert.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { liveTensorCount, setThreads } from "../torch/index.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
beforeAll(() => {
  setThreads(1);
  writeTinySentimentProject(scratch.path);
});

async function json(...args: string[]) {
  const { code, stdout, stderr } = await runScalora(...args, "--json");
  expect(code, stderr).toBe(0);
  return { ...JSON.parse(stdout), stderr };
}

interface Changes {
  adapter?: object;
  train?: object;
  model?: object;
  data?: object;
  run?: object;
}

/** Writes a recipe of a run on the opinions. */
function recipe(name: string, { adapter, train, model, data, run }: Changes = {}): string {
  const path = at(`${name}.yaml`);
  const sections = {
    model: { path: at("bert"), labels: ["blame", "praise"], device: "cpu", ...model },
    adapter: adapter ?? { method: "lora", rank: 4 },
    data: { train: at("train.jsonl"), eval: at("test.jsonl"), ...data },
    train: { steps: 150, batchSize: 8, lr: 0.02, evalEvery: 50, saveEvery: 50, ...train },
    run: { name, folder: at("runs"), ...run },
  };
  writeFileSync(path, stringify(sections));
  return path;
}

test.each([
  ["lora", { method: "lora", rank: 4, targetModules: ["query", "value", "dense"] }],
  ["scalora", { method: "scalora", rank: 2 }],
  ["full", { method: "full" }],
])(
  "%s learns a separable set, and what it has learnt is exported",
  async (name, adapter) => {
    const before = liveTensorCount();
    const path = recipe(name, { adapter, ...(name !== "scalora" && { train: { lr: 0.01 } }) });
    const result = await json("train", path);
    expect(result).toMatchObject({ reason: "finished", task: "classification" });
    expect(result.stderr).toContain(
      "newly initialised from train.seed 0: classifier.weight, classifier.bias",
    );
    const run = await json("eval", at("runs", name));
    expect(run).toMatchObject({ rows: 40, labelTokens: 40 });
    expect(run.accuracy).toBeGreaterThan(0.85);
    expect(run.loss).toBeCloseTo(result.bestEvalLoss, 6);
    const { stdout } = await runScalora("eval", at("runs", name));
    expect(stdout).toContain(`${run.loss.toFixed(4)} nats per row`);
    expect(stdout.replaceAll(/ +/g, " ")).toContain(`accuracy ${(100 * run.accuracy).toFixed(2)} %`);

    await json("export", at("runs", name), "--out", at(`${name}-merged`));
    const merged = await json("eval", at(`${name}-merged`), "--data", at("test.jsonl"));
    expect(merged.loss).toBeCloseTo(run.loss, 5);
    const config = JSON.parse(readFileSync(at(`${name}-merged`, "config.json"), "utf8"));
    expect(config).toMatchObject({
      architectures: ["BertForSequenceClassification"],
      id2label: { 0: "blame", 1: "praise" },
      problem_type: "single_label_classification",
    });
    const gguf = await runScalora("export", at("runs", name), "--format", "gguf", "--out", at("no.gguf"));
    expect(printedFailure(gguf)).toMatchObject({
      code: 2,
      found: expect.stringContaining("bert, a classifier"),
    });
    expect(liveTensorCount()).toBe(before);
    if (name === "full") return;
    const asSvd = ["--out", at(`${name}-svd`), "--as", "svd", "--energy", "1"];
    const { heldOutLoss } = await json("export", at("runs", name), ...asSvd);
    expect(heldOutLoss.trained).toBeCloseTo(run.loss, 6);
    expect(heldOutLoss.exported).toBeCloseTo(run.loss, 4);
    const target = [at("bert"), "--adapter", at(`${name}-svd`), "--data", at("test.jsonl")];
    // The base names no classes: these are the numbers of transformers' default names.
    writeFileSync(at("numbers.jsonl"), numbered(readFileSync(at("test.jsonl"), "utf8")));
    const svd = await json("eval", ...target.slice(0, -1), at("numbers.jsonl"));
    expect(svd.loss).toBeCloseTo(run.loss, 4);
    expect(liveTensorCount()).toBe(before);
  },
  300_000,
);

test("a run tells the rank of its change, its memory and its checkpoints; it has no samples", async () => {
  await json("train", recipe("told", { train: { steps: 4 } }));
  const events = readEvents(at("runs", "told"));
  const ranks = events.flatMap((event) => (event.type === "rank" ? event.layers : []));
  expect(ranks.length).toBeGreaterThan(0);
  expect(ranks.map(({ path }) => path).filter((path) => path.includes("classifier"))).toEqual([]);
  for (const { rank } of ranks) expect([1, 2, 3, 4]).toContain(rank);
  expect(events[0]).toMatchObject({
    type: "start",
    environment: { estimatedMemory: expect.any(Number), checkpointBytes: expect.any(Number) },
  });
  expect(events.map(({ type }) => type)).not.toContain("sample");
  const talking = await runScalora("train", recipe("talking", { run: { samples: ["the film"] } }));
  expect(printedFailure(talking)).toMatchObject({ code: 2, where: "run.samples" });
}, 60_000);

const numbered = (rows: string) => rows.replaceAll('"blame"', "0").replaceAll('"praise"', "1");

test("a regression predicts numbers", async () => {
  writeFileSync(at("scores.jsonl"), numbered(readFileSync(at("train.jsonl"), "utf8")));
  const path = recipe("regression", {
    model: { labels: 1 },
    data: { train: at("scores.jsonl"), eval: { holdOut: 30 } },
  });
  const result = await json("train", path);
  expect(result.task).toBe("regression");
  expect(result.evalLoss).toBeLessThan(0.1);
  const { stdout } = await runScalora("eval", at("runs", "regression"));
  expect(stdout).toMatch(/loss +0\.0\d+ mean squared error/);
}, 300_000);

/** The final checkpoint's hashes, and its state but for the time it took. */
function finalOf(run: string, name = "step-000030") {
  const folder = at("runs", run, "checkpoints", name);
  const { "state.json": _, ...files } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")).files;
  const { seconds: __, ...state } = JSON.parse(readFileSync(join(folder, "state.json"), "utf8"));
  return { files, state };
}

test("killed and resumed, a run with dropout ends bit for bit as one that was not", async () => {
  const train = { steps: 30, evalEvery: 30, saveEvery: 2, keepLast: 30, accumulate: 2 };
  await json("train", recipe("whole", { train }));
  const child = new URL("testing/killed-at-rename.ts", import.meta.url);
  const { signal, stderr } = await runChild(child, "step-000006", "train", recipe("killed", { train }));
  expect({ signal, stderr }).toMatchObject({ signal: "SIGKILL" });
  expect(existsSync(at("runs", "killed", "checkpoints", "step-000030"))).toBe(false);
  await json("train", "--resume", at("runs", "killed"));
  expect(finalOf("killed")).toEqual(finalOf("whole"));
  expect(Object.keys(finalOf("whole").files)).toContain("generators.safetensors");
}, 300_000);

const opinions = (name: string) =>
  readFileSync(at(`${name}.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((row) => JSON.parse(row));

/** The opinions as a file of MRPC: each beside itself. */
function asMrpc(name: string): string {
  const lines = opinions(name).map(({ sentence1, label }, i) =>
    [label === "praise" ? 1 : 0, i, i, sentence1, sentence1].join("\t"),
  );
  writeFileSync(at("mrpc.tsv"), ["Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", ...lines, ""].join("\n"));
  return at("mrpc.tsv");
}

/** The opinions as a file of SST-2. */
function asSst2(name: string): string {
  const lines = opinions(name).map(({ sentence1, label }) => `${sentence1}\t${label === "praise" ? 1 : 0}`);
  writeFileSync(at(`${name}.tsv`), `sentence\tlabel\n${lines.join("\n")}\n`);
  return at(`${name}.tsv`);
}

test("a task of GLUE brings its labels; its metric is told and chooses the best checkpoint, resumed too", async () => {
  const data = { train: asSst2("train"), eval: asSst2("test"), format: "sst2" };
  const train = { steps: 150, evalEvery: 10, saveEvery: 10, keepLast: 20 };
  const path = recipe("sst2", { model: { labels: undefined, headDropout: 0 }, data, train });
  const result = await json("train", path);
  const evals = readEvents(at("runs", "sst2")).flatMap((event) => (event.type === "eval" ? [event] : []));
  const trained = evals.filter(({ step }) => step > 0);
  const top = Math.max(...trained.map(({ score = -1 }) => score));
  expect(top).toBeGreaterThan(0.85);
  for (const { metrics, score, accuracy } of evals)
    expect([metrics, score]).toEqual([{ accuracy: score }, accuracy]);
  const [best] = trained.filter(({ score }) => score === top).sort((a, b) => a.loss - b.loss);
  expect(result).toMatchObject({ bestScore: top, bestStep: best?.step, bestEvalLoss: best?.loss });
  expect(result.stderr).toMatch(/held-out loss \d\.\d+ {2}accuracy \d+\.\d\d %/);
  expect(await json("eval", at("runs", "sst2"))).toMatchObject({ score: top, metrics: { accuracy: top } });
  const { stdout } = await runScalora("eval", at("runs", "sst2"), "--data", at("test.tsv"));
  expect(stdout.replaceAll(/ +/g, " ")).toContain(`accuracy ${(100 * top).toFixed(2)} %`);
  const other = await runScalora("eval", at("runs", "sst2"), "--data", at("test.tsv"), "--format", "cola");
  expect(printedFailure(other)).toMatchObject({
    code: 2,
    expected: "unacceptable, acceptable",
    found: "negative, positive",
  });
  const bare = await runScalora("eval", at("bert"), "--data", at("test.tsv"), "--format", "sst2");
  expect(bare.stderr).toContain("untrained, randomly initialised: classifier.weight, classifier.bias");
  const pairs = await json("eval", at("bert"), "--data", asMrpc("test"), "--format", "mrpc");
  expect(pairs.metrics).toEqual({ f1: expect.any(Number), accuracy: pairs.accuracy });
  expect(pairs).toMatchObject({ score: pairs.accuracy, scoredBy: ["accuracy"] });

  const whole = finalOf("sst2", "step-000150");
  for (const name of readdirSync(at("runs", "sst2", "checkpoints")))
    if (name > "step-000070") rmSync(at("runs", "sst2", "checkpoints", name), { recursive: true });
  await json("train", "--resume", at("runs", "sst2"));
  expect(finalOf("sst2", "step-000150")).toEqual(whole);
  expect(whole.state).toMatchObject({ best: { score: top } });
}, 300_000);

test("labels, rows and models that do not go together are named", async () => {
  writeFileSync(at("unknown.jsonl"), '{"text": "good", "label": "prase"}\n');
  writeFileSync(at("unlabelled.jsonl"), '{"text": "good"}\n');
  writeFileSync(at("number.jsonl"), '{"text": "good", "label": 2}\n');
  const failing: [Changes, object][] = [
    [
      { data: { train: at("unknown.jsonl") } },
      { where: `${at("unknown.jsonl")}:1, column "label"`, found: '"prase"', fix: "did you mean praise?" },
    ],
    [
      { data: { train: at("number.jsonl") } },
      { expected: expect.stringContaining("number from 0 to 1"), found: "2" },
    ],
    [
      { data: { train: at("unlabelled.jsonl") } },
      { where: `${at("unlabelled.jsonl")}:1`, expected: "text + label", found: "columns text" },
    ],
    [
      { model: { path: "assets/tiny", labels: undefined }, data: { format: "rte" } },
      {
        where: `${at("train.jsonl")}, data.format`,
        found: "rte, whose rows are texts with their class",
        fix: expect.stringContaining("BERT"),
      },
    ],
    [{ data: { format: "text" } }, { where: `${at("train.jsonl")}, data.format`, found: "text" }],
    [{ data: { maxLength: 3 } }, { where: "data.maxLength", expected: "at least 4", found: "3" }],
    [
      { adapter: { method: "lora", targetModules: ["classifier"] } },
      { where: "adapter.targetModules, adapter.exclude" },
    ],
    [
      { adapter: { method: "lora", modulesToSave: ["clasifier"] } },
      { where: "adapter.modulesToSave", fix: 'did you mean "classifier"?' },
    ],
  ];
  for (const [changes, fields] of failing)
    expect(printedFailure(await runScalora("train", recipe("bad", changes)))).toMatchObject({
      code: 2,
      ...fields,
    });
  const chat = await runScalora("generate", at("bert"), "hello");
  expect(printedFailure(chat)).toMatchObject({ code: 2, where: at("bert") });
});
