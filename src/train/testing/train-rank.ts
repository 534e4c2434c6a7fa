// One rank that trains tiny models, one after another, or a process that trains them alone (size 1): prints of each the losses of
// all steps and evaluations, and the hashes of what it ends with. node … train-rank.ts <port> <rank> <size> <JSON of cases>
import { createHash } from "node:crypto";
import { type AdapterOptions, type AdapterSet, attach } from "../../adapters/index.ts";
import { AnalysisObserver } from "../../analysis/analysis-observer.ts";
import type { Batch } from "../../data/index.ts";
import { createClassifier, createModel, loadClassifier, loadModel } from "../../models/index.ts";
import { type ShardGroup, type TrainableModel, WeightShards } from "../../nn/index.ts";
import { AdamW, makeSchedule } from "../../optim/index.ts";
import { requestControl } from "../../run/control-command.ts";
import type { RunEvent } from "../../run/events.ts";
import { RunFolder } from "../../run/run-folder.ts";
import { failAtFileChange } from "../../testing/file-fault-injection.ts";
import { countingBatches, heldOutBatches } from "../../testing/tiny-data.ts";
import { tinyLlamaConfig } from "../../testing/tiny-llama.ts";
import { type TinyRunOptions, tinyRun } from "../../testing/tiny-run.ts";
import {
  fill_,
  Generator,
  type GroupWatch,
  noGrad,
  type ProcessGroup,
  setThreads,
  visitBytes,
} from "../../torch/index.ts";
import { joinAsRank } from "../../torch/testing/join-as-rank.ts";
import { elementAt } from "../../util/elements.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import type { TrainOptions } from "../train-options.ts";
import { train } from "../trainer.ts";

type EventKind = "damage" | "abort" | "stop" | "pause" | "throw" | "kill" | "kill in a pass" | "fill disk";

/** What is trained, and what is special about it. */
export interface Case {
  readonly kind:
    | "lora"
    | "scalora-i"
    | "scalora, rounded"
    | "full"
    | "full, recomputed"
    | "modules to save"
    | "dropout"
    | "method"
    | "sharded";
  /** Of kind `method` or `sharded`: a model's folder and the method; of a `sharded` base, several ranks have slices. */
  readonly base?: {
    readonly folder: string;
    readonly dtype?: "float32" | "bfloat16";
    readonly quantization?: "nf4";
    readonly adapter: TinyRunOptions["adapter"];
    /** Whether the model is a classifier, of rows of two classes. */
    readonly isClassifier?: boolean;
  };
  /** Of kind `method`: analyses every so many steps. */
  readonly analysisEvery?: number;
  /** Micro-batches of a step, over all ranks. */
  readonly microBatches: number;
  readonly steps?: number;
  readonly folder?: string;
  readonly resume?: boolean;
  /** Micro-batches without labels: every n-th. */
  readonly emptyEvery?: number;
  /**
   * What happens on a rank after a step: it changes its factors, is asked to stop, finds a command in the folder, fails, is killed,
   * at once or in the middle of the next pass, or can write no more.
   */
  readonly event?: { readonly what: EventKind; readonly rank: number; readonly step: number };
}

const [port = "", rankText = "", sizeText = "", text = "[]"] = process.argv.slice(2);
const [rank, size] = [Number(rankText), Number(sizeText)];
const cases: Case[] = JSON.parse(text);

const settingsOf = ({ steps = 5, microBatches }: Case) => ({
  steps,
  evalEvery: 2,
  saveEvery: 3,
  accumulate: microBatches,
});

/** With tied embeddings, whose gradient has two parts. */
const isRecomputed = ({ kind }: Case) => kind === "full, recomputed";

/** Takes the labels of every n-th batch away. */
function withEmptyBatches(batches: TrainOptions["batches"], every: number): TrainOptions["batches"] {
  let count = 0;
  const next = (): Batch => {
    const batch = batches.next();
    const none = { labelPositions: new Int32Array(), labelTargets: new Int32Array() };
    return ++count % every === 0 ? { ...batch, ...none } : batch;
  };
  return { next, state: () => batches.state(), restore: (state) => batches.restore(state) };
}

/** The run's folder, which only the first rank has. */
const folderOf = ({ folder, resume = false }: Case) =>
  folder !== undefined && rank === 0 ? { folder, resume } : {};

function languageModelRun(given: Case) {
  const { kind } = given;
  const targets = { rank: 2, targetModules: "all-linear" } as const;
  const adapters: Partial<Record<Case["kind"], AdapterOptions>> = {
    lora: { method: "lora", ...targets },
    "scalora-i": { method: "scalora-i", ...targets },
    "modules to save": { method: "lora", ...targets, modulesToSave: ["model.norm"] },
  };
  if (kind === "scalora, rounded")
    return tinyRun(settingsOf(given), {
      dtype: "bfloat16",
      adapter: { method: "scalora", rank: 2, alpha: 4, targetModules: ["mix"] },
    });
  const config = { ...tinyLlamaConfig, tie_word_embeddings: isRecomputed(given) };
  return tinyRun(settingsOf(given), {
    lm: createModel(config, new Generator(3, "cpu")),
    adapter: adapters[kind] ?? { method: "full" },
    ...folderOf(given),
  });
}

/** A run of a model from files; of a `sharded` one each rank has slices. */
async function loadedRun(given: Case, shards: WeightShards | undefined) {
  const { base } = given;
  if (base === undefined) throw new Error("a case of this kind has a base");
  const { dtype = "float32", quantization, adapter } = base;
  const options = { dtype, quantization, shards: given.kind === "sharded" ? shards : undefined };
  if (base.isClassifier) {
    const model = await loadClassifier(base.folder, { ...options, labels: 2 });
    return classifierRun(given, model, attach(model, adapter ?? { method: "full" }, 5));
  }
  return tinyRun(settingsOf(given), {
    lm: await loadModel(base.folder, options),
    ...(adapter && { adapter }),
    ...folderOf(given),
  });
}

/** A BERT with all of its dropout. */
function bertRun(given: Case) {
  const config = {
    model_type: "bert",
    vocab_size: 13,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    max_position_embeddings: 32,
    initializer_range: 0.2,
    dtype: "float32",
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
  };
  const model = createClassifier(config, new Generator(3, "cpu"));
  return classifierRun(
    given,
    model,
    attach(model, { method: "lora", rank: 2, targetModules: "all-linear" }, 5),
  );
}

/** A run of a classifier, on rows of two classes. */
function classifierRun(given: Case, model: TrainableModel, adapters: AdapterSet) {
  setThreads(1);
  const settings = settingsOf(given);
  const source = countingBatches();
  const options: TrainOptions = {
    model,
    adapters,
    settings,
    optimizer: new AdamW(adapters.trainables()),
    batches: {
      next: () => withLabels(source.next()),
      state: () => source.state(),
      restore: (state) => source.restore(state),
    },
    evalBatches: heldOutBatches().map(withLabels),
    schedule: makeSchedule({ name: "cosine", lr: 0.01, steps: settings.steps, warmup: 1 }),
    generators: new Map([["dropout", new Generator(11, "cpu")]]),
    ...runFolderOf(given, adapters),
  };
  return { options };
}

/** A new folder, for the first rank. */
function runFolderOf({ folder }: Case, { method }: AdapterSet): Pick<TrainOptions, "run"> {
  if (folder === undefined || rank > 0) return {};
  const identity = { base: "a classifier", adapter: { method } };
  return { run: { folder: RunFolder.create(folder, `adapter: {method: ${method}}\n`), identity } };
}

const withLabels = (batch: Batch): Batch => ({
  ...batch,
  labels: Float64Array.from(batch.sources, (_, row) => (batch.tokens[batch.offsets[row] ?? 0] ?? 0) % 2),
});

/** What the others are told of this rank. */
const told: string[] = [];
const watch: GroupWatch = {
  failure: new Promise(() => {}),
  look: () => undefined,
  begin: () => {},
  report: async (error, kind) => {
    told.push(kind);
    return kind === "failed" && error instanceof Error ? error : new ScaloraError("run", "the verdict");
  },
  close: () => {},
};

/** Gathers after which this rank is killed. */
let gathersLeft = Number.POSITIVE_INFINITY;

function shardGroup(group: ProcessGroup): ShardGroup {
  const { rank, size } = group;
  return {
    rank,
    size,
    beginGather: (slices, outputs) => group.beginGather(slices, outputs),
    awaitGather(gather) {
      if (gathersLeft-- === 0) process.kill(process.pid, "SIGKILL");
      group.awaitGather(gather);
    },
  };
}

async function runOf(given: Case, shards: WeightShards | undefined): Promise<{ options: TrainOptions }> {
  if (given.kind === "sharded" || given.kind === "method") return await loadedRun(given, shards);
  return given.kind === "dropout" ? bertRun(given) : languageModelRun(given);
}

/** Trains one case. @returns what must be the same on every rank, and in one process */
async function trainCase(given: Case, group: ProcessGroup | undefined) {
  using shards = group && new WeightShards(shardGroup(group));
  const { options } = await runOf(given, shards);
  const { model, adapters, optimizer, batches } = options;
  const observer = given.analysisEvery === undefined ? undefined : await observerOf(given, options);
  const losses: (number | string)[] = [];
  let savedAt: number | undefined;
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type === "step") losses.push(event.loss, event.gradNorm);
    if (event.type === "eval") losses.push(`held out ${event.loss} ${event.accuracy}`);
    if (event.type === "method") losses.push(JSON.stringify(event.report));
    if (event.type === "analysis") losses.push(JSON.stringify(event.layers));
    if (event.type === "checkpoint" && event.reason === "stop") {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      savedAt = Date.now();
    }
    const { what, ...when } = given.event ?? { what: "none" as const, rank: 0, step: -1 };
    if (event.type !== "step" || event.step !== when.step || rank !== when.rank) return;
    if (what === "damage") noGrad(() => fill_(elementAt(adapters.trainables(), 0).value, 1));
    if (what === "abort") controller.abort("SIGTERM");
    if (what === "throw") throw new ScaloraError("internal", "a fault of the test");
    if (what === "kill") process.kill(process.pid, "SIGKILL");
    if (what === "kill in a pass") gathersLeft = 3;
    if (what === "fill disk")
      failAtFileChange(1, () => {
        throw new Error("no space left on device");
      });
    if (what === "stop" || what === "pause") requestControl(given.folder ?? "", what);
    if (what === "pause") setTimeout(() => requestControl(given.folder ?? "", "continue"), 500);
  };
  const { reason, step } = await train({
    ...options,
    recompute: isRecomputed(given) || given.kind === "sharded",
    ...(given.emptyEvery !== undefined && { batches: withEmptyBatches(batches, given.emptyEvery) }),
    ...(observer && { observer }),
    ...(group && { group }),
    ...(given.resume && { resume: true }),
    signal: controller.signal,
    onEvent,
  });
  const times = given.event?.what === "abort" ? { savedAt, endedAt: Date.now() } : {};
  const trained = [...adapters.state()].filter(([name]) => given.kind !== "sharded" || !/\.base/.test(name));
  const hash = createHash("sha256");
  for (const [name, tensor] of [...trained, ...optimizer.state()]) {
    hash.update(name);
    visitBytes(tensor, (bytes) => hash.update(bytes));
  }
  for (const part of [observer, optimizer, adapters, model]) part?.dispose();
  return { reason, step, losses, hash: hash.digest("hex"), ...times };
}

async function observerOf({ base, analysisEvery: every = 1 }: Case, { model, adapters }: TrainOptions) {
  const original = await loadModel(base?.folder ?? "", { dtype: base?.dtype ?? "float32" });
  return new AnalysisObserver({ model, adapters, original, every });
}

async function result(given: Case, group: ProcessGroup | undefined) {
  try {
    return await trainCase(given, group);
  } catch (error) {
    if (!(error instanceof ScaloraError)) throw error;
    const message = messageOf(error).split("\n")[0];
    return { code: error.code, message, where: error.where, told: told.splice(0) };
  }
}

using group = size === 1 ? undefined : await joinAsRank({ port: Number(port), rank, size, timeout: 60 });
group?.watchedBy(watch);
const results: unknown[] = [];
for (const given of cases) results.push(await result(given, group));
console.log(JSON.stringify(results));
