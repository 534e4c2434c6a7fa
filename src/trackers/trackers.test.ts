import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inflateSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { RunEvent } from "../run/events.ts";
import { runFiles } from "../run/run-files.ts";
import { RunFolder } from "../run/run-folder.ts";
import { crc32c } from "./crc32c.ts";
import { RunTrackers, type TrackerName } from "./index.ts";
import { openTensorBoard } from "./tensorboard.ts";
import type { TrackedRun, Tracker } from "./tracker.ts";
import golden from "./trackers.golden.json" with { type: "json" };
import { openWandb } from "./wandb.ts";

const user = vi.hoisted(() => ({ isListed: true }));
vi.mock(import("node:os"), async (original) => {
  const os = await original();
  const userInfo = new Proxy(os.userInfo, {
    apply(target, self, parameters) {
      if (!user.isListed) throw new Error("uv_os_get_passwd returned ENOENT (no such file or directory)");
      return Reflect.apply(target, self, parameters);
    },
  });
  return { ...os, hostname: () => "host", userInfo };
});

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "scalora-trackers-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const step = (number: number, loss: number, rest: Partial<Extract<RunEvent, { type: "step" }>> = {}) =>
  ({
    type: "step",
    step: number,
    loss,
    lr: 1e-3,
    gradNorm: 0,
    clipped: false,
    tokens: 128,
    labelTokens: 100,
    seconds: 0.25,
    memory: 2 ** 20,
    ...rest,
  }) as const;

const start = (done: number): RunEvent => ({
  type: "start",
  step: done,
  totalSteps: 4,
  model: { path: "m", family: "llama", layers: 1, hiddenSize: 8, vocabSize: 99 },
  method: "lora",
  parameters: { trainable: 1, all: 2 },
  data: {},
  environment: {},
});

/** The run of `tools/reference/trackers.py`. */
const goldenEvents: RunEvent[] = [
  { type: "eval", step: 0, loss: 2.5, labelTokens: 9, best: false, seconds: 1 },
  { type: "sample", step: 0, prompt: "once upon", output: " a time" },
  { type: "sample", step: 0, prompt: "two", output: " ünits" },
  step(1, 2.25),
  step(2, Number.NaN, { lr: 5e-4, gradNorm: Number.POSITIVE_INFINITY, seconds: 0.5, memory: 2 ** 21 }),
  { type: "method", step: 2, report: { kind: "scaling", branches: { a: 1 }, alpha: [0.5, 1, 2] } },
  { type: "end", step: 2, reason: "finished", seconds: 9 },
  { type: "sample", step: 2, prompt: "once upon", output: " a tree".repeat(8000) },
];

function writeGolden(open: (run: TrackedRun) => Tracker): void {
  const started = 1_780_000_000_250;
  mkdirSync(join(folder, "golden"));
  const tracker = open({
    path: join(folder, "golden"),
    name: "golden",
    id: "0123abcd".repeat(4),
    startedAt: new Date(started),
    settings: new Map<string, string | number | boolean>([
      ["train.lr", 0.001],
      ["adapter.method", "lora"],
      ["run.analysis", false],
      ["train.steps", 2],
    ]),
  });
  for (const [i, event] of goldenEvents.entries()) {
    const time = new Date(started + 1000 * (i + 1));
    tracker.record(event, time);
    // Of an event without numbers and texts nothing is written, whatever its step.
    tracker.record({ type: "warning", step: 0, message: "w" }, time);
  }
  tracker.complete();
  tracker.close();
}

const unpacked = (text: string) => inflateSync(Buffer.from(text, "base64")).toString("hex");

test("an event file is the one that TensorBoard's own writer makes", () => {
  writeGolden(openTensorBoard);
  const [name = ""] = readdirSync(join(folder, "golden"));
  expect(name).toMatch(/^events\.out\.tfevents\.1780000000\.host\.\d+\.0$/);
  expect(readFileSync(join(folder, "golden", name), "hex")).toBe(unpacked(golden.tensorboard));
});

test("an offline run is the one that wandb's own writer makes, records over several blocks included", () => {
  writeGolden(openWandb);
  const file = join(folder, "wandb", "offline-run-20260528_202640-0123abcd", "run-0123abcd.wandb");
  expect(readFileSync(file, "hex")).toBe(unpacked(golden.wandb));
});

test("CRC-32C of RFC 3720", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

/** Records events as a run does: in its folder first. */
class RecordedRun {
  readonly warnings: string[] = [];
  private readonly folder: RunFolder;
  private readonly trackers: RunTrackers;

  constructor(path: string, names: readonly TrackerName[], { resume = false } = {}) {
    this.folder = resume ? RunFolder.open(path) : RunFolder.create(path, "x: 1\n");
    const recipe = {
      train: { lr: 0.001, betas: [0.9, 0.99] },
      adapter: { method: "lora" },
      run: { analysis: false },
    };
    const warn = (message: string) => this.warnings.push(message);
    this.trackers = new RunTrackers({ names, folder: this.folder, recipe, warn });
  }

  record(...events: RunEvent[]): this {
    for (const event of events) {
      this.folder.append(event);
      this.trackers.record(event);
    }
    return this;
  }

  end(): void {
    this.trackers[Symbol.dispose]();
    this.folder.close();
  }

  /** Leaves the trackers' files as they are, as a process that is killed does. */
  kill(): void {
    this.folder.close();
  }
}

const all = ["tensorboard", "wandb", "mlflow"] as const;

/** A run of two processes: the first is killed after step 3, the second resumes from step 2. */
function resumedRun(path: string): void {
  const killed = new RecordedRun(path, all);
  killed.record(
    start(0),
    { type: "sample", step: 0, prompt: "a", output: "b" },
    ...[1, 2, 3].map((number) => step(number, number)),
  );
  killed.kill();
  const again = new RecordedRun(path, all, { resume: true });
  again.record(
    { type: "resume", step: 2, checkpoint: "checkpoints/step-000002" },
    start(2),
    step(3, 30),
    { type: "method", step: 3, report: { "../x": 1, kind: "scaling" } },
    step(4, 40),
    { type: "end", step: 4, reason: "finished", seconds: 1 },
  );
  again.end();
  expect(again.warnings).toEqual([]);
}

const mlflowRun = () => {
  const experiment = join(folder, "mlruns", readdirSync(join(folder, "mlruns"))[0] ?? "");
  const runs = readdirSync(experiment).filter((name) => name !== "meta.yaml");
  expect(runs).toHaveLength(1);
  return join(experiment, runs[0] ?? "");
};

test("a resume repeats no step and loses none", () => {
  resumedRun(join(folder, "run"));
  const lines = readFileSync(join(mlflowRun(), "metrics", "train", "loss"), "utf8")
    .trimEnd()
    .split("\n");
  expect(lines.map((line) => line.split(" ").slice(1).join(" "))).toEqual(["1 1", "2 2", "30 3", "40 4"]);
  expect(readdirSync(join(folder, "run")).filter((name) => name.includes("tfevents"))).toHaveLength(1);
  expect(readdirSync(join(folder, "wandb"))).toHaveLength(1);
});

test("MLflow's files: parameters, status and names that stay in their folder", () => {
  resumedRun(join(folder, "run"));
  const run = mlflowRun();
  expect(readFileSync(join(run, "params", "train.betas"), "utf8")).toBe("[0.9,0.99]");
  const meta = readFileSync(join(run, "meta.yaml"), "utf8");
  expect(meta).toMatch(/^run_name: run$/m);
  expect(meta).toMatch(/^status: 3$/m);
  expect(readdirSync(join(run, "metrics", "method"))).toEqual(["___x"]);
  expect(readFileSync(join(run, "artifacts", "samples.txt"), "utf8")).toBe("step 0\nab\n\n");
});

test.each([
  ["a name", "somebody", "user_id: somebody"],
  ["nothing", undefined, 'user_id: ""'],
])(
  "of a user whom the system does not list, MLflow is told what the environment says: %s",
  (_, name, line) => {
    vi.stubEnv("USER", name);
    user.isListed = false;
    try {
      const run = new RecordedRun(join(folder, "run"), ["mlflow"]);
      run.record(start(0));
      run.end();
      expect(run.warnings).toEqual([]);
      expect(readFileSync(join(mlflowRun(), "meta.yaml"), "utf8")).toContain(`${line}\n`);
    } finally {
      user.isListed = true;
      vi.unstubAllEnvs();
    }
  },
);

test("a tracker that cannot be written warns once, and the others go on", () => {
  writeFileSync(join(folder, "mlruns"), "no folder");
  const run = new RecordedRun(join(folder, "run"), ["mlflow", "wandb"]);
  run.record(start(0), step(1, 1), step(2, 2)).end();
  expect(run.warnings).toEqual([expect.stringMatching(/^run\.reportTo: mlflow gets no more of this run: /)]);
  expect(readdirSync(join(folder, "wandb"))).toHaveLength(1);
});

test("after another process has taken the run over, nothing more is written at the end", () => {
  const run = new RecordedRun(join(folder, "run"), ["wandb"]);
  run.record(start(0), step(1, 1));
  const lock = join(folder, "run", runFiles.lock);
  for (const token of readdirSync(lock)) rmSync(join(lock, token));
  const files = globSync(join(folder, "wandb", "*", "*.wandb"));
  const content = () => files.map((file) => readFileSync(file, "hex"));
  const before = content();
  run.end();
  expect(content()).toEqual(before);
  expect(before).toHaveLength(1);
  expect(run.warnings).toEqual([]);
});

test("a run without trackers writes nothing", () => {
  new RecordedRun(join(folder, "run"), []).record(start(0), step(1, 1)).end();
  expect(readdirSync(folder)).toEqual(["run"]);
});

const script = fileURLToPath(new URL("../../tools/reference/trackers.py", import.meta.url));
const has = (module: string) =>
  spawnSync("python3", ["-c", `import importlib.util as u, sys; sys.exit(u.find_spec("${module}") is None)`])
    .status === 0;

/** What the program's own package reads, in Python. */
const readBack = (program: TrackerName, path: string) =>
  JSON.parse(execFileSync("python3", [script, "read", program, path], { encoding: "utf8" }));

test.skipIf(!has("tensorboard"))("TensorBoard reads the files (python3 with tensorboard)", () => {
  resumedRun(join(folder, "run"));
  const { scalars, texts, hparams, status } = readBack("tensorboard", join(folder, "run"));
  expect(scalars["train/loss"]).toEqual([
    [1, 1],
    [2, 2],
    [3, 30],
    [4, 40],
  ]);
  expect(texts).toEqual({ "samples/1": [[0, "ab"]] });
  expect(hparams).toMatchObject({ "train.lr": 0.001, "adapter.method": "lora", "run.analysis": false });
  expect(status).toBe(1);
});

test.skipIf(!has("wandb"))("W&B reads the file (python3 with wandb)", () => {
  resumedRun(join(folder, "run"));
  const [name = ""] = readdirSync(join(folder, "wandb"));
  const file = `run-${name.slice(-8)}.wandb`;
  const { history, config, exit } = readBack("wandb", join(folder, "wandb", name, file));
  expect(history.map((row: Record<string, unknown>) => [row["_step"], row["train/loss"]])).toEqual([
    [0, undefined],
    [1, 1],
    [2, 2],
    [3, 30],
    [4, 40],
  ]);
  expect(config).toMatchObject({ "train.lr": 0.001, "adapter.method": "lora" });
  expect(exit).toBe(0);
});

test.skipIf(!has("mlflow"))("MLflow reads the store (python3 with mlflow)", () => {
  resumedRun(join(folder, "run"));
  const [run, ...others] = readBack("mlflow", join(folder, "mlruns"));
  expect(others).toEqual([]);
  expect(run).toMatchObject({ name: "run", status: "FINISHED", params: { "train.lr": "0.001" } });
  expect(run.metrics["train/loss"]).toEqual([
    [1, 1],
    [2, 2],
    [3, 30],
    [4, 40],
  ]);
  expect(run.artifacts).toEqual(["samples.txt"]);
});
