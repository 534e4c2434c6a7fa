import { cpSync, existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { runChild } from "../testing/child-process.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { cudaDevices, setThreads } from "../torch/index.ts";
import { runScalora, scaloraJson } from "./testing/scalora.ts";

const program = new URL("testing/run-main.ts", import.meta.url);
const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
const recipe = at("recipe.yaml");
const sections = {
  model: { path: at("model"), device: "cpu" },
  adapter: { method: "scalora-i", rank: 2 },
  data: { train: at("train.jsonl"), eval: { holdOut: 8 } },
  train: { steps: 100, batchSize: 4, evalEvery: 25 },
  run: { name: "mine", folder: at("runs") },
};
beforeAll(() => {
  setThreads(1);
  writeTinyProject(scratch.path);
  writeFileSync(recipe, stringify(sections));
});
afterAll(scratch.remove);

test("a good recipe: parameters, rows, memory, disk and time, nothing written, exit code 0", async () => {
  const { code, stdout } = await runScalora("check", recipe);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ +method: scalora-i$/m);
  expect(stdout).toMatch(/^parameters +1,\d+ trainable of 3\d,\d+ \(\d\.\d+ %\)$/m);
  expect(stdout).toMatch(/^data +40 rows, .* 8 rows held out$/m);
  expect(stdout).toMatch(/^memory +about \d.* of \d.*largest batch \d+ tokens$/m);
  expect(stdout).toMatch(/^time +about .* m?s a step \(.* tok\/s\), .* an evaluation$/m);
  expect(stdout).toMatch(/The recipe would run\.\n$/);
  expect(existsSync(at("runs"))).toBe(false);
});

test("the probe's losses are those of the run's first steps", async () => {
  const { ok, run } = await scaloraJson("check", recipe);
  expect(ok).toBe(true);
  expect(run).toMatchObject({ steps: 100, data: { rows: 40, heldOut: 8 } });
  const set = ["train.steps=100", "run.name=real", "run.samples=0", "train.stopOnDivergence=false"];
  const trained = runScalora("train", recipe, ...set.flatMap((each) => ["--set", each]));
  const { stderr } = await trained;
  const [first] = /step +1\/100 {2}loss (\d+\.\d+)/.exec(stderr)?.slice(1) ?? [];
  expect(run.probe.losses[0].toFixed(4)).toBe(first);
});

test("a recipe without held-out rows would run too, without the time of an evaluation", async () => {
  const { evalEvery: _, ...train } = sections.train;
  const data = { ...sections.data, eval: "none" };
  writeFileSync(at("no-eval.yaml"), stringify({ ...sections, data, train }));
  const { ok, errors, run } = await scaloraJson("check", at("no-eval.yaml"));
  expect({ ok, errors }).toEqual({ ok: true, errors: [] });
  expect(run).toMatchObject({ data: { heldOut: 0 }, probe: { evaluationSeconds: null } });
});

test.skipIf(cudaDevices() > 0)(
  "a recipe for a GPU where there is none is refused, with the memory that it would take of a GPU and of the host",
  async () => {
    const set = ["--set", "model.device=cuda", "--set", "model.dtype=bfloat16"];
    // In a process of its own: autograd counts the devices at the first backward pass.
    const check = (...words: string[]) => runChild(program, "check", recipe, ...words, ...set);
    const json = await check("--json");
    const { ok, errors, warnings, run } = JSON.parse(json.stdout);
    expect({ ok, errors }).toEqual({ ok: false, errors: [expect.stringContaining("No CUDA device")] });
    expect(warnings).toContainEqual(expect.stringContaining("not measured on a GPU"));
    const { total, limit, gpu, tokens, perToken, unknown } = run.memory;
    expect({ limit, unknown, probe: run.probe }).toEqual({ limit: null, unknown: [], probe: null });
    expect(tokens * perToken).toBeGreaterThan(0.1 * total);
    expect(gpu).toMatchObject({
      device: "cuda",
      isStandIn: true,
      host: { limit: { of: expect.any(String) } },
    });
    expect(gpu.weights + gpu.trained + gpu.optimizer + tokens * perToken).toBeLessThan(1.2 * total);
    expect(gpu.recomputed).toBeLessThanOrEqual(total);
    expect(gpu.host.bytes).toBeGreaterThan(2 ** 26);
    const { code, stdout } = await check("--ranks", "2");
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /^GPU memory +about \d[^/]*; largest batch \d+ tokens; with train.recompute: all about /m,
    );
    expect(stdout).toMatch(/^host memory +about \d.* of \d/m);
    expect(stdout).not.toMatch(/^time/m);
  },
);

test("--ranks forecasts the time on several processes", async () => {
  const { steps: _, ...train } = sections.train;
  writeFileSync(at("epochs.yaml"), stringify({ ...sections, train: { ...train, epochs: 8 } }));
  const { run: alone } = await scaloraJson("check", at("epochs.yaml"));
  expect(alone.ranks).toBeNull();
  const network = ["--latency", "100", "--bandwidth", "8"];
  const { run } = await scaloraJson("check", at("epochs.yaml"), "--ranks", "4", ...network);
  expect(run.steps).toBe(alone.steps / 4);
  expect(run.ranks).toMatchObject({ size: 4, network: { latency: 100e-6, bandwidth: 1e9 } });
  const { compute, batches, exchange, network: waiting, total } = run.ranks.step;
  expect(compute).toBe(run.probe.secondsPerStep);
  expect(total).toBeCloseTo(compute + batches + exchange + waiting, 12);
  for (const part of [batches, exchange, waiting, run.ranks.load, run.ranks.join])
    expect(part).toBeGreaterThan(0);
  // Two collectives for the gradients and two for numbers, each after an agreement: twice 3 + 1 latencies, and twice 3 + 6.
  const bytes = 4 * run.parameters.trainable;
  expect(run.ranks.sentBytes).toBeCloseTo((2 * bytes * 3) / 4, 6);
  const messages = 6 * 60e-6; // of the two all-to-alls, to three other ranks
  expect(waiting).toBeCloseTo(26 * 100e-6 + messages + run.ranks.sentBytes / 1e9, 5);
});

test("--ranks forecasts a base that is shared out from one process, which stands for one of the ranks", async () => {
  // Wide enough for all linear layers to be shared out between four.
  writeTinyLlama(at("wide"), { config: { hidden_size: 128, intermediate_size: 192, num_hidden_layers: 2 } });
  const changes = [`model.path=${at("wide")}`, "train.shardBase=true", "run.samples=0"];
  const set = changes.flatMap((change) => ["--set", change]);
  const { ok, run } = await scaloraJson("check", recipe, "--ranks", "4", ...set);
  // Losses of weights that are not there would mean nothing.
  expect({ ok, losses: run.probe.losses }).toEqual({ ok: true, losses: [] });
  const { kept, buffers, sentBytes, seconds } = run.ranks.base;
  // Embedding and output layer of 260 rows, and two blocks.
  const [vocabulary, block] = [4 * 260 * 128, 4 * (2 * 128 * 128 + 2 * 64 * 128 + 3 * 192 * 128)];
  expect({ kept, buffers }).toEqual({
    kept: (2 * vocabulary + 2 * block) / 4,
    buffers: 2 * block + vocabulary,
  });
  // There is room for both blocks, so that only the two over the vocabulary take turns.
  expect(sentBytes).toBeCloseTo((2 * vocabulary * 3) / 4, 6);
  expect(seconds).toBeGreaterThan(0);
  const { stdout } = await runScalora("check", recipe, "--ranks", "4", ...set);
  expect(stdout).toMatch(
    /^base +each rank keeps .*, a block at a time, into .*: it sends .* a step, which is .*s longer for it$/m,
  );
  expect(stdout).not.toMatch(/^first losses/m);
  // One rank has nobody to share it with.
  for (const size of [[], ["--ranks", "1"]])
    expect(await runScalora("check", recipe, ...size, ...set)).toMatchObject({ code: 2 });
});

test("more ranks than can join are warned of, and one rank is one", async () => {
  const { warnings } = await scaloraJson("check", recipe, "--ranks", "5000");
  expect(warnings).toEqual([
    expect.stringMatching(/^5,000 ranks would take \d+ min \d+ s to join, .* waits 10 min 00 s/),
  ]);
  expect((await runScalora("check", recipe, "--ranks", "1")).stdout).toMatch(/^1 rank +a step/m);
});

test("the forecast takes the place of the time of one process", async () => {
  const { code, stdout } = await runScalora("check", recipe, "--ranks", "2");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^2 ranks +a step .* compute, .* network; .* % of ideal$/m);
  expect(stdout).toMatch(/^network +each rank sends .*, at 10\.0 Gbit\/s and 50\.0 µs$/m);
  expect(stdout).toMatch(/^time +about .* tok\/s\), a checkpoint/m);
  expect(stdout.match(/^time/gm)).toHaveLength(1);
  expect(await runScalora("check", recipe, "--ranks", "0")).toMatchObject({ code: 2 });
});

test.each(["latency", "bandwidth"])("--%s without --ranks is refused", async (name) => {
  const { code, stderr } = await runScalora("check", recipe, `--${name}`, "5");
  expect(code).toBe(2);
  expect(stderr).toMatch(new RegExp(`--${name}.* --ranks`));
});

test("errors of a taken name, broken data and damaged weights are reported together, and none hides the others", async () => {
  mkdirSync(at("taken", "mine"), { recursive: true });
  writeFileSync(at("taken", "mine", "notes.txt"), "");
  writeFileSync(at("broken.jsonl"), '{"prompt": "a=", "completion": 3}\n');
  cpSync(at("model"), at("damaged"), { recursive: true });
  truncateSync(at("damaged", "model.safetensors"), 1000);
  const set = [
    `run.folder=${at("taken")}`,
    `data.train=${at("broken.jsonl")}`,
    `model.path=${at("damaged")}`,
  ];
  const { code, stdout } = await runScalora(
    "check",
    recipe,
    "--json",
    ...set.flatMap((each) => ["--set", each]),
  );
  expect(code).toBe(2);
  const { ok, run, errors, recipe: resolved } = JSON.parse(stdout);
  expect({ ok, run }).toEqual({ ok: false, run: null });
  expect(errors).toEqual([
    expect.stringContaining(at("taken", "mine")),
    expect.stringContaining(at("damaged", "model.safetensors")),
    expect.stringContaining(at("broken.jsonl:1")),
  ]);
  expect(resolved.train).toMatchObject({ accumulate: 1, clip: 1 });
});

test("a run's folder that is taken keeps no forecast away", async () => {
  mkdirSync(at("trained", "mine"), { recursive: true });
  writeFileSync(at("trained", "mine", "config.yaml"), "");
  const set = ["--set", `run.folder=${at("trained")}`];
  const { code, stdout } = await runScalora("check", recipe, "--ranks", "4", "--json", ...set);
  expect(code).toBe(2);
  const { ok, errors, run } = JSON.parse(stdout);
  expect({ ok, errors }).toEqual({ ok: false, errors: [expect.stringContaining(at("trained", "mine"))] });
  expect(run).toMatchObject({ probe: { losses: expect.any(Array) }, ranks: { size: 4 } });
});

test("a recipe with wrong keys is refused as by train", async () => {
  const { code, stderr } = await runScalora("check", recipe, "--set", "train.lrr=1", "--set", "run.sample=2");
  expect(code).toBe(2);
  expect(stderr).toMatch(/recipe\.yaml has 2 problems/);
});
