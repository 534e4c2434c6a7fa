import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { parseRecipe } from "../config/index.ts";
import type { RunEvent } from "../run/events.ts";
import { readEvents } from "../run/read-events.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { writeTinyProject } from "../testing/tiny-trained-run.ts";
import { liveTensorCount, setThreads, useGemmBackend } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { runTraining } from "./run-training.ts";

const scratch = temporaryFolder();
beforeAll(() => {
  setThreads(1);
  writeTinyProject(scratch.path);
});
afterAll(scratch.remove);
afterEach(() => {
  vi.unstubAllEnvs();
  setThreads(1);
  useGemmBackend("aten");
});

async function run(
  name: string,
  sections: { model?: object; run?: object; adapter?: object; data?: object; train?: object } = {},
  { signal = new AbortController().signal, resume = false }: { signal?: AbortSignal; resume?: boolean } = {},
) {
  const recipe = parseRecipe(
    {
      model: { path: "model", device: "cpu", ...sections.model },
      adapter: { method: "scalora", rank: 2, ...sections.adapter },
      data: { train: "train.jsonl", eval: { holdOut: 8 }, ...sections.data },
      train: { steps: 4, batchSize: 4, lr: 1e-2, ...sections.train },
      run: { name, ...sections.run },
    },
    { cwd: scratch.path },
  );
  const seen: RunEvent[] = [];
  const result = await runTraining(recipe, { signal, resume, onEvent: (event) => seen.push(event) });
  return { folder: result.folder, result, seen };
}

const samplesIn = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === "sample" ? [event] : []));

test("a run shows what its first held-out prompts give before and after, and the rank of its change", async () => {
  const live = liveTensorCount();
  const { folder, seen } = await run("samples");
  expect(liveTensorCount()).toBe(live);
  const recorded = readEvents(folder);
  expect(recorded.map(({ type, step }) => [type, step])).toEqual(seen.map(({ type, step }) => [type, step]));
  const samples = samplesIn(recorded);
  expect(samples.map(({ step }) => step)).toEqual([0, 0, 4, 4]);
  for (const { prompt } of samples) expect(prompt).toMatch(/^[a-z]{3}=$/);
  // The reference answer of the row: the labels without the end token.
  for (const { prompt, expected } of samples) expect(expected).toBe(prompt.slice(0, 3).toUpperCase());
  expect(elementAt(samples, 0)?.prompt).toBe(elementAt(samples, 2).prompt);
  expect(recorded.findIndex(({ type }) => type === "start")).toBeLessThan(
    recorded.findIndex(({ type }) => type === "sample"),
  );
  const rank = recorded.find((event) => event.type === "rank");
  expect(rank?.type === "rank" && rank.layers).toHaveLength(14);
  expect(readFileSync(join(folder, "report.html"), "utf8")).toContain("before");
});

test("a finished run that is resumed does nothing, and has the same result", async () => {
  const { folder, result } = await run("again");
  const record = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]);
  const before = record();
  const again = await run("again", {}, { resume: true });
  expect(again.seen).toEqual([]);
  expect(again.result).toEqual({ ...result, alreadyFinished: true });
  expect(record()).toEqual(before);
});

test("a finished run whose report is not of the whole record is resumed, and shows nothing a second time", async () => {
  const { folder } = await run("unreported");
  const shown = () => readEvents(folder).filter(({ type }) => type === "sample" || type === "rank");
  const before = shown();
  writeFileSync(join(folder, "report.html"), "an older one");
  expect((await run("unreported", {}, { resume: true })).result.alreadyFinished).toBe(false);
  expect(shown()).toEqual(before);
  expect((await run("unreported", {}, { resume: true })).result.alreadyFinished).toBe(true);
});

test("a run that was killed among its first or last events has all of them after a resume", async () => {
  const { folder } = await run("killed");
  const shown = () =>
    readEvents(folder)
      .filter(({ type }) => type === "sample" || type === "rank")
      .sort((a, b) => a.step - b.step)
      .map(({ time: _, ...event }) => event);
  const whole = shown();
  const file = join(folder, "events.jsonl");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  // Without the second sample of the start, the second one of the end, and what follows that.
  const kept = lines.filter((line, i) => !line.includes('"sample"') || lines[i + 1]?.includes('"sample"'));
  writeFileSync(file, `${kept.filter((line) => !line.includes('"rank"')).join("\n")}\n`);
  expect(shown()).toHaveLength(2);
  await run("killed", {}, { resume: true });
  expect(shown()).toEqual(whole);
});

test("prompts of one's own, or none", async () => {
  const own = await run("own", { run: { samples: ["hello"] }, data: { eval: "none" } });
  expect(samplesIn(own.seen).map(({ prompt, step }) => [prompt, step])).toEqual([
    ["hello", 0],
    ["hello", 4],
  ]);
  expect(samplesIn((await run("none", { run: { samples: 0 } })).seen)).toEqual([]);
});

test("what an interrupt cuts short is no sample", async () => {
  const stopping = new AbortController();
  stopping.abort(new Error("enough"));
  const { seen } = await run("interrupted", {}, { signal: stopping.signal });
  expect(samplesIn(seen)).toEqual([]);
});

/** The environment in the start event of a run with an adapter. */
async function environmentOf(name: string, adapter: object) {
  const { seen } = await run(name, { adapter, run: { samples: 0 } });
  const start = seen.find((event) => event.type === "start");
  return start?.type === "start" ? start.environment : expect.fail("no start event");
}

test.each([
  ["lora", undefined, undefined],
  ["scalora", "auto", "exact"],
  ["scalora", "factored", "factored"],
])("%s with base %s records base %s", async (method, base, recorded) => {
  const adapter = { method, rank: 2, ...(base && { base }) };
  expect((await environmentOf(`base-${method}-${base}`, adapter)).base).toBe(recorded);
});

test("a run whose checkpoints will not fit onto the disk says so when it begins", async () => {
  const { seen } = await run("no-room", { train: { keepLast: 1e9 } });
  const warnings = seen.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  expect(warnings).toEqual([
    expect.stringMatching(/do not fit onto the disk \(.* checkpoints of .*; .* free\): make room/),
  ]);
});

/** What the start event tells of memory and disk. */
async function estimates(name: string, adapter: object) {
  const { estimatedMemory, checkpointBytes } = await environmentOf(name, adapter);
  return { memory: Number(estimatedMemory), checkpoint: Number(checkpointBytes) };
}

test("the memory of a run is announced, and the size of a checkpoint, which is that of its tensors", async () => {
  const small = await estimates("small", { method: "lora", rank: 1 });
  const large = await estimates("large", { method: "lora", rank: 4 });
  const changing = await estimates("changing", { method: "scalora", rank: 4 });
  // Value, two moments: three float32 numbers for each more number of the factors; and the gradient, in memory only.
  const numbers = (large.checkpoint - small.checkpoint) / 12;
  expect(Number.isInteger(numbers)).toBe(true);
  expect(numbers).toBeGreaterThan(0);
  // ScaLoRA's checkpoint holds the adapted weights too.
  expect(changing.checkpoint).toBeGreaterThan(large.checkpoint + 4 * numbers);
  for (const { memory } of [small, large, changing]) expect(memory).toBeGreaterThan(2 ** 25);
});

/** Threads and GEMM backend in the last start event. */
const engineIn = (events: readonly RunEvent[]) =>
  events
    .flatMap((event) => (event.type === "start" ? [event.environment] : []))
    .map(({ threads, gemmBackend }) => ({ threads, gemmBackend }))
    .at(-1);

const lossesIn = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === "step" ? [event.loss] : []));

test("a run computes as it was started, whatever its machine would choose now, also without a checkpoint", async () => {
  vi.stubEnv("SCALORA_GEMM_BACKEND", "onednn");
  const { folder, seen } = await run("engine");
  expect(engineIn(seen)).toEqual({ threads: 1, gemmBackend: "onednn" });
  vi.stubEnv("SCALORA_GEMM_BACKEND", "aten");
  setThreads(2);
  rmSync(join(folder, "report.html"));
  const resumed = await run("engine", {}, { resume: true });
  expect(engineIn(resumed.seen)).toEqual(engineIn(seen));
  for (const name of ["checkpoints", "status.json"]) rmSync(join(folder, name), { recursive: true });
  setThreads(2);
  const restarted = await run("engine", {}, { resume: true });
  expect(engineIn(restarted.seen)).toEqual(engineIn(seen));
  expect(lossesIn(restarted.seen)).toEqual(lossesIn(seen));
});

test("a recipe pins the GEMM backend", async () => {
  const pinned = await run("pinned", { model: { gemmBackend: "onednn" } });
  expect(engineIn(pinned.seen)).toMatchObject({ gemmBackend: "onednn" });
  expect(readFileSync(join(pinned.folder, "config.yaml"), "utf8")).toContain("gemmBackend: onednn");
  const free = await run("free");
  expect(engineIn(free.seen)).toMatchObject({ gemmBackend: "aten" });
  expect(readFileSync(join(free.folder, "config.yaml"), "utf8")).not.toContain("gemmBackend");
});
