import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadModel } from "../models/index.ts";
import { tokenStream } from "../nn/index.ts";
import "../testing/close-to.ts";
import { openModel } from "../assemble/open-model.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { trainTiny, writeTinyProject } from "../testing/tiny-trained-run.ts";
import { tolerances } from "../testing/tolerances.ts";
import { liveTensorCount, noGrad, scope } from "../torch/index.ts";
import { printedFailure } from "./testing/printed-failure.ts";
import { scaloraJson as json, runScalora } from "./testing/scalora.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const runs = { lora: "", scalora: "", full: "" };

beforeAll(async () => {
  writeTinyProject(scratch.path);
  for (const method of ["lora", "scalora", "full"] as const)
    runs[method] = await trainTiny(scratch.path, method);
});
afterAll(scratch.remove);

test.each(["lora", "scalora", "full"] as const)(
  "%s: eval gives the loss that training measured",
  async (method) => {
    const events = readFileSync(join(runs[method], "events.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const evals = events.filter(({ type, step }) => type === "eval" && step > 0);
    const best = Math.min(...evals.map(({ loss }) => loss));
    const before = liveTensorCount();
    expect((await json("eval", runs[method])).loss).toBeCloseTo(best, 6);
    const last = await json("eval", runs[method], "--checkpoint", "last");
    expect(last.loss).toBeCloseTo(evals.at(-1).loss, 6);
    expect(last.perplexity).toBeCloseTo(Math.exp(last.loss), 6);
    expect(liveTensorCount()).toBe(before);
  },
);

test("commands say which checkpoint they use, and when that of the best evaluation is missing", async () => {
  const file = join(runs.lora, "status.json");
  const status = readFileSync(file, "utf8");
  const { bestStep } = JSON.parse(status);
  const name = `step-${String(bestStep).padStart(6, "0")}`;
  const generate = ["generate", runs.lora, "a", "--max-tokens", "1"];
  for (const args of [["eval", runs.lora], generate, ["export", runs.lora, "--out", at("told")]])
    expect((await json(...args)).checkpoint).toEqual({ name, choice: "best" });
  writeFileSync(file, JSON.stringify({ ...JSON.parse(status), bestStep: bestStep + 1 }));
  const results = [
    await runScalora("eval", runs.lora),
    await runScalora(...generate),
    await runScalora("export", runs.lora, "--out", at("warned")),
  ];
  const { checkpoint } = await json("eval", runs.lora);
  writeFileSync(file, status);
  const warning = `the best evaluation was at step ${bestStep + 1}`;
  for (const { stdout, stderr } of results) {
    expect(stdout + stderr).toMatch(new RegExp(`^checkpoint:? +${name} \\(best saved\\)`, "m"));
    expect(stderr).toContain(`warning: ${warning}`);
  }
  expect(checkpoint).toMatchObject({ choice: "best saved", warning: expect.stringContaining(warning) });
});

test("eval takes files, of a model folder too, and says what is missing", async () => {
  const own = await json("eval", runs.lora, "--data", at("test.jsonl"));
  const base = await json("eval", at("model"), "--data", at("test.jsonl"));
  expect(own).toMatchObject({ rows: 10, labelTokens: 40 });
  expect(own.loss).toBeLessThan(base.loss);
  writeFileSync(at("texts.jsonl"), '{"text": "hi"}\n{"text": "a text that is too long"}\n{"text": ""}\n');
  const cut = await runScalora("eval", at("model"), "--data", at("texts.jsonl"), "--max-length", "8");
  expect(cut.stderr).toMatch(
    /1 of 3 rows dropped: .*texts\.jsonl:3 \(.*\)\n1 of 3 rows truncated to data\.maxLength\n/,
  );
  const text = await runScalora(
    "eval",
    at("model"),
    "--data",
    at("test.jsonl"),
    "--format",
    "prompt-completion",
  );
  expect(text.stdout).toMatch(/perplexity +\d/);
  const renamed = readFileSync(at("test.jsonl"), "utf8").replaceAll('"prompt"', '"q"');
  writeFileSync(at("renamed.jsonl"), renamed.replaceAll('"completion"', '"a"'));
  const mapped = ["--data", at("renamed.jsonl"), "--columns", "prompt=q,completion=a"];
  expect((await json("eval", at("model"), ...mapped)).loss).toBe(base.loss);
  for (const [args, fields] of [
    [["eval", at("model"), "--columns", "prompt=q"], { message: expect.stringContaining("--columns") }],
    [
      ["eval", at("model")],
      { where: at("model"), fix: "give files of examples (--data); in a program rows too" },
    ],
    [["eval", runs.lora, "--max-length", "9"], { message: expect.stringContaining("--max-length") }],
    [["eval", runs.lora, "--checkpoint", "step-000013"], { fix: "did you mean step-000012?" }],
    [["eval", at("model"), "--checkpoint", "best"], { where: at("model"), found: "a folder without it" }],
    [["eval", at("nothing"), "--data", at("test.jsonl")], { where: at("nothing"), found: "nothing" }],
    [["eval", runs.lora, "--adapter", at("x")], { found: `another one, ${at("x")}` }],
  ] as const) {
    const result = await runScalora(...args);
    expect(result.stdout).toBe("");
    expect(printedFailure(result)).toMatchObject({ code: 2, ...fields });
  }
});

test("generate goes on with a prompt: the same with the same seed, another with another", async () => {
  const args = ["generate", runs.full, "abc=", "--max-tokens", "12"];
  const greedy = await json(...args);
  expect(greedy).toMatchObject({ promptTokens: 4 });
  expect((await runScalora(...args)).stdout).toBe(`${greedy.text}\n`);
  const sample = (seed: string) => json(...args, "--temperature", "1.5", "--top-k", "50", "--seed", seed);
  const [first, again, other] = [await sample("1"), await sample("1"), await sample("2")];
  expect(again.text).toBe(first.text);
  expect(other.text).not.toBe(first.text);
});

test("generate stops at a stop text and at the model's context", async () => {
  const args = ["generate", at("model"), "hello", "--max-tokens", "40"];
  const whole: { text: string } = await json(...args);
  const stop = whole.text.slice(5, 7);
  const cut = await json(...args, "--stop", stop);
  expect(cut).toMatchObject({ text: whole.text.slice(0, whole.text.indexOf(stop)), reason: "stop" });
  const full = await json("generate", at("model"), "x".repeat(250), "--max-tokens", "40");
  expect(full.tokens).toBeLessThanOrEqual(7);
  const long = await runScalora("generate", at("model"), "x".repeat(300));
  expect(long.stdout).toBe("");
  expect(printedFailure(long)).toMatchObject({
    code: 2,
    expected: "at most 256 tokens",
    found: "300 tokens",
  });
});

test("a run is usable without its data", async () => {
  renameSync(at("train.jsonl"), at("elsewhere.jsonl"));
  try {
    const svd = await runScalora("export", runs.lora, "--out", at("no-data"), "--as", "svd", "--rank", "1");
    expect(svd.code).toBe(0);
    expect(svd.stdout).toMatch(/held-out loss +not measured: the run's data is gone: .*train\.jsonl/);
    expect((await json("generate", runs.lora, "a", "--max-tokens", "2")).tokens).toBeGreaterThan(0);
    const { code, stderr } = await runScalora("eval", runs.lora);
    expect(code).toBe(2);
    expect(stderr).toContain("does not exist");
  } finally {
    renameSync(at("elsewhere.jsonl"), at("train.jsonl"));
  }
});

/** Logits of a model folder for some tokens. */
async function logits(folder: string): Promise<Float64Array> {
  using model = await loadModel(folder, { dtype: "float32" });
  const tokens = [97, 98, 99, 61, 65, 10, 256, 0];
  return noGrad(() =>
    scope(() =>
      model.lm_head.forward(model.hiddenStates(tokenStream(tokens, undefined, { device: "cpu" }))).toFloats(),
    ),
  );
}

test.each(["lora", "scalora", "full"] as const)(
  "%s: a merged export is the model that was trained",
  async (method) => {
    const out = at(`merged-${method}`);
    const result = await json("export", runs[method], "--out", out, "--dtype", "float32");
    expect(result).toMatchObject({ out, kind: "merged" });
    expect(result.drift).toBeUndefined();
    expect(readdirSync(out).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
    ]);
    const own = await json("eval", runs[method], "--data", at("test.jsonl"));
    const merged = await json("eval", out, "--data", at("test.jsonl"));
    expect(merged.loss).toBeCloseTo(own.loss, 5);
    const half = await runScalora("export", runs[method], "--out", `${out}-half`, "--dtype", "bfloat16");
    expect(half.stdout).toMatch(/drift +1\.\d+e-3 relative/);
    expect(JSON.parse(readFileSync(join(`${out}-half`, "config.json"), "utf8")).dtype).toBe("bfloat16");
  },
);

test("an adapter export of LoRA gives the same model on its base; other methods are refused", async () => {
  const out = at("adapter");
  await json("export", runs.lora, "--out", out, "--as", "adapter");
  const own = await json("eval", runs.lora, "--data", at("test.jsonl"));
  const loaded = await json("eval", at("model"), "--adapter", out, "--data", at("test.jsonl"));
  expect(loaded.loss).toBeCloseTo(own.loss, 6);
  for (const [method, why] of [
    ["scalora", "scalora merges into the base"],
    ["full", "has no adapter"],
  ] as const) {
    const { code, stderr } = await runScalora("export", runs[method], "--out", at("no"), "--as", "adapter");
    expect(code).toBe(2);
    expect(stderr).toContain(why);
    expect(existsSync(at("no"))).toBe(false);
  }
  const alone = await runScalora("generate", out, "a");
  expect(alone.stderr).toContain("--adapter");
  const plain = await runScalora("export", at("model"), "--out", at("no"), "--as", "adapter");
  expect(plain.stderr).toContain("no adapter to export");
});

test.each(["lora", "scalora", "full"] as const)(
  "%s: an svd export of all its energy is the whole change",
  async (method) => {
    const out = at(`svd-${method}`);
    const whole = await json("export", runs[method], "--out", out, "--as", "svd", "--energy", "1");
    expect(whole.retainedEnergy).toBeCloseTo(1, 12);
    if (method === "lora") expect(whole.rank).toBe(2);
    else expect(whole.rank).toBeGreaterThan(4);
    const merged = at(`svd-${method}-merged`);
    await json("export", at("model"), "--adapter", out, "--out", merged);
    // Full fine-tuning has also changed embeddings and norms, which no adapter holds.
    if (method !== "full")
      expect(await logits(merged)).toBeCloseToAll(await logits(at(`merged-${method}`)), tolerances.logits);
    const cut = await json("export", runs[method], "--out", `${out}-1`, "--as", "svd", "--rank", "1");
    expect(cut.rank).toBe(1);
    expect(cut.retainedEnergy).toBeLessThan(1);
    const share = await json("export", runs[method], "--out", `${out}-9`, "--as", "svd", "--energy", "0.9");
    expect(share.retainedEnergy).toBeGreaterThanOrEqual(0.9);
    expect(share.rank).toBeLessThanOrEqual(whole.rank);
    // What the export costs, on the rows that the run held out.
    const { loss } = await json("eval", runs[method]);
    expect(whole.heldOutLoss.trained).toBeCloseTo(loss, 6);
    expect(cut.heldOutLoss.trained).toBeCloseTo(loss, 6);
    if (method !== "full") expect(whole.heldOutLoss.exported).toBeCloseTo(loss, 4);
    expect(Math.abs(cut.heldOutLoss.exported - loss)).toBeGreaterThan(1e-3);
  },
);

test("a bfloat16 export of a float32 run tells its drift and what the rounding does to the held-out loss", async () => {
  const half = await json("export", runs.scalora, "--out", at("rounded"), "--dtype", "bfloat16");
  expect(half.drift).toBeGreaterThan(0);
  const { loss } = await json("eval", runs.scalora);
  expect(half.heldOutLoss.trained).toBeCloseTo(loss, 6);
  expect(half.heldOutLoss.exported).not.toBe(half.heldOutLoss.trained);
  expect(Math.abs(half.heldOutLoss.exported - loss)).toBeLessThan(2 ** -8 * loss);
});

test("a bfloat16 run: what is exported in float32 is exact, and eval in another precision is refused", async () => {
  for (const method of ["scalora", "full"] as const) {
    const run = await trainTiny(scratch.path, method, "bfloat16");
    const open = await openModel({ path: run, dtype: "auto", device: "auto" });
    await json("export", run, "--out", at(`${method}-half`), "--dtype", "float32");
    using merged = await loadModel(at(`${method}-half`));
    const weights = new Map(merged.namedParameters());
    const adapters = open.adapters ?? expect.fail("the run has no adapters");
    expect(adapters.adaptedPaths().length).toBeGreaterThan(0);
    for (const path of adapters.adaptedPaths()) {
      using exact = adapters.mergedWeight(path);
      expect(weights.get(`${path}.weight`)?.data(), path).toEqual(exact.data());
    }
    open.dispose();
    const svd = await json("export", run, "--out", at(`${method}-half-svd`), "--as", "svd", "--rank", "3");
    expect(svd).toMatchObject({ rank: 3 });
    const other = await runScalora("eval", run, "--dtype", "float32");
    expect(printedFailure(other)).toMatchObject({
      code: 2,
      where: expect.stringContaining(join(run, "checkpoints")),
      fix: expect.stringContaining("dtype"),
    });
  }
});

test("a finished run that is resumed is said to be finished", async () => {
  const { code, stdout, stderr } = await runScalora("train", "--resume", runs.lora);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ended +already finished, step 12 of 12/m);
  expect(stderr).toBe("this run is already finished; nothing to do\n");
});

test("a run whose base model has changed is refused", async () => {
  const other = temporaryFolder();
  writeTinyProject(other.path);
  const run = await trainTiny(other.path, "lora");
  rmSync(join(other.path, "model"), { recursive: true });
  renameSync(at("merged-full"), join(other.path, "model"));
  const refused = await runScalora("generate", run, "a");
  renameSync(join(other.path, "model"), at("merged-full"));
  other.remove();
  expect(printedFailure(refused)).toMatchObject({
    code: 2,
    where: expect.stringContaining(join(run, "checkpoints")),
    found: expect.stringMatching(/^base weights [0-9a-f]{64}$/),
  });
});

/** Every verb that takes a run's folder, and those that make a folder, with the arguments that it needs. */
const verbs: readonly [verb: string, argumentsFor: (run: string) => string[]][] = [
  ["train", (run) => ["train", "--resume", run]],
  ["eval", (run) => ["eval", run]],
  ["generate", (run) => ["generate", run, "a"]],
  ["chat", (run) => ["chat", run]],
  ["export", (run) => ["export", run, "--out", at("never")]],
];

test.each(verbs)("%s: a run that is not there ends with 2", async (_, argumentsFor) => {
  const run = at("runs", "nothing");
  expect(printedFailure(await runScalora(...argumentsFor(run)))).toMatchObject({
    code: 2,
    where: run,
    fix: "`npx scalora ls runs` lists the runs",
  });
});

test.each(verbs.slice(1))("%s: a run without a checkpoint ends with 2", async (_, argumentsFor) => {
  const fresh = at("runs", "fresh");
  mkdirSync(fresh, { recursive: true });
  copyFileSync(join(runs.lora, "config.yaml"), join(fresh, "config.yaml"));
  expect(printedFailure(await runScalora(...argumentsFor(fresh)))).toMatchObject({
    code: 2,
    where: join(fresh, "checkpoints"),
    found: "last",
  });
});

test.each([
  ["train", "ENOENT", () => ["train", join(runs.lora, "config.yaml"), "--set", "run.folder=/proc/runs"]],
  ["export", "ENOENT", () => ["export", runs.lora, "--out", "/proc/out/model"]],
  ["quickstart", "ENOENT", () => ["quickstart", "--tiny", "--out", "/proc/out"]],
  ["export below a file", "ENOTDIR", () => ["export", runs.lora, "--out", join(at("train.jsonl"), "x")]],
])("%s: a folder that cannot be written ends with 1 and a cure", async (_, reason, args) => {
  expect(printedFailure(await runScalora(...args()))).toMatchObject({
    code: 1,
    found: expect.stringMatching(`^${reason}`),
    fix: expect.stringContaining(reason === "ENOENT" ? "make the folder" : "it is a file"),
  });
});

test("quickstart over a file ends with 2 before anything is fetched", async () => {
  const result = await runScalora("quickstart", "--out", at("train.jsonl"));
  expect(printedFailure(result)).toMatchObject({ code: 2, where: at("train.jsonl"), found: "a file" });
});
