import {
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AdamW } from "../optim/index.ts";
import { requestControl } from "../run/control-command.ts";
import { readEvents } from "../run/read-events.ts";
import { refusal } from "../testing/refusal.ts";
import { checkTensorLeaks } from "../testing/tensor-leak-check.ts";
import { type TinyRun, temporaryFolder, tinyRun } from "../testing/tiny-run.ts";
import * as torch from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { hashFile } from "../util/files.ts";
import { formatManifest, readManifestFile } from "./checkpoints/manifest.ts";
import { listCheckpoints } from "./checkpoints/read-checkpoint.ts";
import { loadCheckpointWeights } from "./resume.ts";
import type { TrainSettings } from "./train-options.ts";
import { train } from "./trainer.ts";

const made = checkTensorLeaks();
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const settings: TrainSettings = {
  steps: 17,
  evalEvery: 4,
  saveEvery: 3,
  keepLast: 3,
  accumulate: 2,
  patience: 9,
};
const checkpointsIn = (name: string) => join(folder.path, name, "checkpoints");

/** Trains to the end or to `until`, where the run is asked to stop; returns the final checkpoint's content. */
async function runIn(name: string, { until, resume = false }: { until?: number; resume?: boolean } = {}) {
  const path = join(folder.path, name);
  const run = tinyRun(settings, { folder: path, resume });
  made.push(run);
  const result = await train({
    ...run.options,
    onEvent: (event) => {
      if (event.type === "step" && event.step === until) requestControl(path, "stop");
    },
  });
  made.pop()?.dispose();
  return result;
}

function contentOf(name: string, step: number) {
  const path =
    listCheckpoints(checkpointsIn(name)).find((entry) => entry.step === step)?.path ?? expect.fail("absent");
  const { seconds: _, ...state } = JSON.parse(readFileSync(join(path, "state.json"), "utf8"));
  const hashes = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8")).files;
  delete hashes["state.json"];
  return { state, hashes };
}

test("a resumed run, and a resume of the resume, end bit for bit where the uninterrupted one does", async () => {
  await runIn("whole");
  await runIn("parts", { until: 5 });
  await runIn("parts", { until: 12, resume: true });
  const result = await runIn("parts", { resume: true });
  expect(result.reason).toBe("finished");
  expect(contentOf("parts", 17)).toEqual(contentOf("whole", 17));
  const lines = (name: string) =>
    readEvents(join(folder.path, name)).flatMap((event) =>
      event.type === "step" || event.type === "eval" ? [[event.type, event.step, event.loss]] : [],
    );
  expect(lines("parts")).toEqual(lines("whole"));
});

/** Makes a checkpoint one of an earlier release, whose state had no version. */
function withoutVersion(path: string) {
  const file = join(path, "state.json");
  const { version, ...state } = JSON.parse(readFileSync(file, "utf8"));
  expect(version).toBe(2);
  writeFileSync(file, JSON.stringify(state));
  const { step, evalLoss, base, adapter, files } = readManifestFile(join(path, "manifest.json"));
  const written = { bytes: statSync(file).size, sha256: hashFile(file) };
  const content = { step, evalLoss, base, adapter, files: { ...files, "state.json": written } };
  writeFileSync(join(path, "manifest.json"), formatManifest(content));
}

test("a run of an earlier release, whose weight decay had no effect, says at its resume that it begins to decay", async () => {
  const path = join(folder.path, "old");
  const runWith = async (steps: number, weightDecay: number) => {
    const run = tinyRun(
      { steps, saveEvery: 1 },
      { folder: path, resume: steps > 1, adapter: { method: "lora" } },
    );
    made.push(run);
    using optimizer = new AdamW(run.options.adapters.trainables(), { weightDecay });
    await train({ ...run.options, optimizer });
    made.pop()?.dispose();
    return readEvents(path).filter(({ type }) => type === "warning").length;
  };
  expect(await runWith(1, 0.1)).toBe(0);
  expect(await runWith(2, 0.1)).toBe(0);
  withoutVersion(join(checkpointsIn("old"), "step-000002"));
  expect(await runWith(3, 0)).toBe(0);
  withoutVersion(join(checkpointsIn("old"), "step-000003"));
  expect(await runWith(4, 0.1)).toBe(1);
});

test("a newest checkpoint with a flipped bit is set aside, and the resume makes it again as it was", async () => {
  await runIn("whole");
  await runIn("flipped");
  const path = join(checkpointsIn("flipped"), "step-000017");
  const file = join(path, "adapters.safetensors");
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  writeFileSync(file, bytes);
  expect((await runIn("flipped", { resume: true })).reason).toBe("finished");
  expect(contentOf("flipped", 17)).toEqual(contentOf("whole", 17));
  expect(readdirSync(checkpointsIn("flipped"))).toContain("step-000017.damaged");
  const warnings = readEvents(join(folder.path, "flipped")).flatMap((event) =>
    event.type === "warning" ? [event.message] : [],
  );
  expect(warnings.join()).toContain("step-000017.damaged");
});

test("stopped before a due evaluation, the resumed run makes up for it and ends the same", async () => {
  await runIn("whole");
  const path = join(folder.path, "cut");
  const run = tinyRun(settings, { folder: path });
  made.push(run);
  const stop = new AbortController();
  const result = await train({
    ...run.options,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === "step" && event.step === 8) stop.abort("SIGTERM");
    },
  });
  expect(result).toMatchObject({ reason: "stopped", step: 8, lastEval: { step: 4 } });
  made.pop()?.dispose();
  await runIn("cut", { resume: true });
  expect(contentOf("cut", 17)).toEqual(contentOf("whole", 17));
  const evals = readEvents(path).flatMap((event) => (event.type === "eval" ? [event.step] : []));
  expect(evals).toEqual([0, 4, 8, 12, 16, 17]);
});

test("a run keeps the GEMM backend that it was started with, whatever a resume's own probe chose", async () => {
  const path = join(folder.path, "backend");
  const steps: [until: number, probed: torch.GemmBackend][] = [
    [3, "onednn"],
    [5, "aten"],
    [7, "aten"],
  ];
  const recorded = [];
  for (const [until, gemmBackend] of steps) {
    const run = tinyRun(settings, { folder: path, resume: until > 3 });
    made.push(run);
    await train({
      ...run.options,
      gemmBackend,
      onEvent: (event) => {
        if (event.type === "step" && event.step === until) requestControl(path, "stop");
      },
    });
    made.pop()?.dispose();
    recorded.push(contentOf("backend", until).state.engine.gemmBackend);
  }
  torch.useGemmBackend("aten");
  expect(recorded).toEqual(["onednn", "onednn", "onednn"]);
});

test("a finished run that is resumed does nothing more", async () => {
  await runIn("done");
  const before = contentOf("done", 17);
  expect(await runIn("done", { resume: true })).toMatchObject({ reason: "finished", step: 17 });
  expect(contentOf("done", 17)).toEqual(before);
});

test("resume without any checkpoint starts from the beginning", async () => {
  await runIn("whole");
  await runIn("early", { until: 1 });
  rmSync(checkpointsIn("early"), { recursive: true });
  await runIn("early", { resume: true });
  expect(contentOf("early", 17)).toEqual(contentOf("whole", 17));
});

test("a finished run without its checkpoints is not trained again", async () => {
  await runIn("done");
  rmSync(checkpointsIn("done"), { recursive: true });
  await expect(runIn("done", { resume: true })).rejects.toThrow(
    refusal("config", { where: join(folder.path, "done"), fix: "config.yaml" }),
  );
});

test("the newest valid checkpoint is used: broken ones are skipped and named, the end is the same", async () => {
  await runIn("whole");
  await runIn("broken", { until: 14 });
  const spoil: Record<number, (path: string) => void> = {
    14: (path) => truncateSync(join(path, "optimizer.safetensors"), 100),
    12: (path) => {
      const file = join(path, "adapters.safetensors");
      const bytes = readFileSync(file);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      writeFileSync(file, bytes);
    },
  };
  const entries = listCheckpoints(checkpointsIn("broken"));
  for (const { step, path } of entries) spoil[step]?.(path);
  await runIn("broken", { resume: true });
  const events = readEvents(join(folder.path, "broken"));
  const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  expect(warnings[0]).toContain("optimizer.safetensors has 100 bytes");
  expect(warnings[1]).toContain(join("step-000012", "adapters.safetensors"));
  expect(contentOf("broken", 17)).toEqual(contentOf("whole", 17));
});

test("a checkpoint that cannot be read at present stops the resume, and stays as it is", async () => {
  await runIn("run", { until: 12 });
  const entries = listCheckpoints(checkpointsIn("run"));
  // Opening this fails with ELOOP, as it may with EIO or EACCES.
  for (const { path } of entries.toReversed()) {
    const manifest = join(path, "manifest.json");
    renameSync(manifest, join(folder.path, "kept.json"));
    symlinkSync("manifest.json", manifest);
    await expect(runIn("run", { resume: true })).rejects.toThrow(
      refusal("run", { where: elementAt(entries, entries.length - 1).path, found: "ELOOP", fix: "readable" }),
    );
    made.pop()?.dispose();
  }
  expect(listCheckpoints(checkpointsIn("run"))).toEqual(entries);
});

test("when no checkpoint is valid the resume is refused and nothing is removed", async () => {
  await runIn("lost", { until: 4 });
  const names = readdirSync(checkpointsIn("lost"));
  for (const name of names) rmSync(join(checkpointsIn("lost"), name, "manifest.json"));
  await expect(runIn("lost", { resume: true })).rejects.toThrow(
    refusal("format", {
      where: checkpointsIn("lost"),
      found: "manifest.json",
      fix: `npx scalora train ${join(folder.path, "lost", "config.yaml")} --set run.name=`,
    }),
  );
  expect(readdirSync(checkpointsIn("lost"))).toEqual(names);
});

test("a checkpoint of another model, adapter configuration, data or version is refused", async () => {
  await runIn("run", { until: 4 });
  const path = join(folder.path, "run");
  const tried = (change: (run: TinyRun) => Partial<TinyRun["options"]>, model = {}) => {
    const run = tinyRun(settings, { folder: path, resume: true, ...model });
    made.push(run);
    return train({ ...run.options, ...change(run) }).finally(() => made.pop()?.dispose());
  };
  await expect(tried(() => ({}), { seed: 8 })).rejects.toThrow(
    refusal("model", { expected: /base weights [0-9a-f]{64}/, found: /base weights [0-9a-f]{64}/ }),
  );
  const otherAdapter = ({ options }: TinyRun) =>
    options.run
      ? { run: { ...options.run, identity: { ...options.run.identity, adapter: { method: "lora" } } } }
      : {};
  await expect(tried(otherAdapter)).rejects.toThrow(
    refusal("config", { where: "adapter.method", expected: "full", found: "lora" }),
  );
  const { countingBatches } = await import("../testing/tiny-data.ts");
  const record = () => ["status.json", "events.jsonl"].map((name) => readFileSync(join(path, name), "utf8"));
  const before = record();
  await expect(tried(() => ({ batches: countingBatches(5) }))).rejects.toMatchObject({ code: "data" });
  expect(record()).toEqual(before);
  for (const entry of listCheckpoints(checkpointsIn("run"))) {
    const file = join(entry.path, "manifest.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"version": 2', '"version": 3'));
  }
  await expect(tried(() => ({}))).rejects.toThrow(refusal("format", { found: "manifest.json: version" }));
});

test("the state of generators belongs to the checkpoint", async () => {
  const path = join(folder.path, "rng");
  const draw = (run: TinyRun) =>
    torch.scope(() =>
      torch.rand([3], { generator: run.options.generators?.get("sampling"), device: "cpu" }).toFloats(),
    );
  const first = tinyRun(settings, { folder: path });
  made.push(first);
  draw(first);
  await train({ ...first.options, settings: { ...settings, steps: 3 } });
  const expected = draw(first);
  first.options.run?.folder.close();
  const second = tinyRun(settings, { folder: path, resume: true });
  made.push(second);
  await train({ ...second.options, settings: { ...settings, steps: 3 } });
  expect(draw(second)).toEqual(expected);
});

test("the best checkpoint's weights can be taken back", async () => {
  const result = await runIn("best");
  const run = tinyRun(settings);
  made.push(run);
  const { adapters } = run.options;
  const before = elementAt(adapters.trainables(), 0).value.toFloats();
  loadCheckpointWeights(result.bestCheckpoint ?? expect.fail("no best"), adapters);
  expect(elementAt(adapters.trainables(), 0).value.toFloats()).not.toEqual(before);
  const { evaluateLoss } = await import("./evaluate.ts");
  const evaluation = await evaluateLoss(run.options.model, run.options.evalBatches ?? []);
  expect(evaluation?.loss).toBe(result.best?.loss);
});
