// One rank that trains a tiny model, or a process that trains it alone (size 1): prints the losses of all steps and evaluations,
// and the hashes of what it ends with. node … train-rank.ts <port> <rank> <size> <JSON of a case>
import { createHash } from "node:crypto";
import { type AdapterOptions, attach } from "../../adapters/index.ts";
import type { Batch } from "../../data/index.ts";
import { createClassifier, createModel, loadModel } from "../../models/index.ts";
import { WeightShards } from "../../nn/index.ts";
import { AdamW, makeSchedule } from "../../optim/index.ts";
import { requestControl } from "../../run/control-command.ts";
import type { RunEvent } from "../../run/events.ts";
import { failAtFileChange } from "../../testing/file-fault-injection.ts";
import { countingBatches, heldOutBatches } from "../../testing/tiny-data.ts";
import { tinyLlamaConfig } from "../../testing/tiny-llama.ts";
import { tinyRun } from "../../testing/tiny-run.ts";
import { fill_, Generator, noGrad, ProcessGroup, setThreads, visitBytes } from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import type { TrainOptions } from "../train-options.ts";
import { train } from "../trainer.ts";

type EventKind = "damage" | "abort" | "stop" | "pause" | "throw" | "kill" | "fill disk";

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
    | "sharded";
  /** Of kind `sharded`: the model, whose base several ranks share out, and one process has whole; and the method. */
  readonly base?: {
    readonly folder: string;
    readonly dtype?: "float32" | "bfloat16";
    readonly quantization?: "nf4";
    readonly adapter: AdapterOptions;
  };
  /** Micro-batches of a step, over all ranks. */
  readonly microBatches: number;
  readonly steps?: number;
  readonly folder?: string;
  readonly resume?: boolean;
  /** Micro-batches without labels: every n-th. */
  readonly emptyEvery?: number;
  /**
   * What happens on a rank after a step: it changes its factors, is asked to stop, finds a command in the folder, fails, is killed,
   * or can write no more.
   */
  readonly event?: { readonly what: EventKind; readonly rank: number; readonly step: number };
}

const [port = "", rankText = "", sizeText = "", text = "{}"] = process.argv.slice(2);
const [rank, size] = [Number(rankText), Number(sizeText)];
const given: Case = JSON.parse(text);
const settings = {
  steps: given.steps ?? 5,
  evalEvery: 2,
  saveEvery: 3,
  accumulate: given.microBatches,
};

/** With tied embeddings, whose gradient has two parts. */
const isRecomputed = given.kind === "full, recomputed";

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

function languageModelRun() {
  const { folder, resume = false } = given;
  const targets = { rank: 2, targetModules: "all-linear" } as const;
  const adapters: Partial<Record<Case["kind"], AdapterOptions>> = {
    lora: { method: "lora", ...targets },
    "scalora-i": { method: "scalora-i", ...targets },
    "modules to save": { method: "lora", ...targets, modulesToSave: ["model.norm"] },
    full: { method: "full" },
    "full, recomputed": { method: "full" },
  };
  if (given.kind === "scalora, rounded")
    return tinyRun(settings, {
      dtype: "bfloat16",
      adapter: { method: "scalora", rank: 2, alpha: 4, targetModules: ["mix"] },
    });
  return tinyRun(settings, {
    lm: createModel({ ...tinyLlamaConfig, tie_word_embeddings: isRecomputed }, new Generator(3, "cpu")),
    adapter: adapters[given.kind] ?? { method: "full" },
    ...(folder !== undefined && rank === 0 && { folder, resume }),
  });
}

/** A run of a model of which each rank has slices. */
async function shardedRun(shards: WeightShards | undefined) {
  const { base, folder, resume = false } = given;
  if (base === undefined) throw new Error("a case of kind sharded has a base");
  const { dtype = "float32", quantization, adapter } = base;
  const lm = await loadModel(base.folder, { dtype, quantization, shards });
  const { options } = tinyRun(settings, {
    ...{ lm, adapter },
    ...(folder !== undefined && rank === 0 && { folder, resume }),
  });
  return { options };
}

/** A BERT with all of its dropout, and rows of two classes. */
function classifierRun() {
  setThreads(1);
  const config = {
    ...{ model_type: "bert", vocab_size: 13, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 },
    ...{ num_attention_heads: 2, max_position_embeddings: 32, initializer_range: 0.2, dtype: "float32" },
    ...{ hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1 },
  };
  const model = createClassifier(config, new Generator(3, "cpu"));
  const adapters = attach(model, { method: "lora", rank: 2, targetModules: "all-linear" }, 5);
  const optimizer = new AdamW(adapters.trainables());
  const labelled = ({ next, state, restore }: TrainOptions["batches"]) => ({
    next: () => withLabels(next()),
    state,
    restore,
  });
  const source = countingBatches();
  const options: TrainOptions = {
    ...{ model, adapters, optimizer, settings },
    batches: labelled({
      next: () => source.next(),
      state: () => source.state(),
      restore: (state) => source.restore(state),
    }),
    evalBatches: heldOutBatches().map(withLabels),
    schedule: makeSchedule({ name: "cosine", lr: 0.01, steps: settings.steps, warmup: 1 }),
    generators: new Map([["dropout", new Generator(11, "cpu")]]),
  };
  return { options };
}

const withLabels = (batch: Batch): Batch => ({
  ...batch,
  labels: Float64Array.from(batch.sources, (_, row) => (batch.tokens[batch.offsets[row] ?? 0] ?? 0) % 2),
});

async function run() {
  using group =
    size === 1
      ? undefined
      : await ProcessGroup.connect({
          store: { host: "127.0.0.1", port: Number(port) },
          ...{ isServer: rank === 0, job: "test", rank, size, address: "127.0.0.1", timeout: 60 },
        });
  using shards = group && new WeightShards(group);
  const { options } = await (given.kind === "sharded"
    ? shardedRun(shards)
    : given.kind === "dropout"
      ? classifierRun()
      : languageModelRun());
  const losses: (number | string)[] = [];
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type === "step") losses.push(event.loss, event.gradNorm);
    if (event.type === "eval") losses.push(`held out ${event.loss} ${event.accuracy}`);
    if (event.type === "method") losses.push(JSON.stringify(event.report));
    const { what, ...when } = given.event ?? { what: "none" as const, rank: 0, step: -1 };
    if (event.type !== "step" || event.step !== when.step || rank !== when.rank) return;
    if (what === "damage") noGrad(() => fill_(elementAt(options.adapters.trainables(), 0).value, 1));
    if (what === "abort") controller.abort("SIGTERM");
    if (what === "throw") throw new ScaloraError("internal", "a fault of the test");
    if (what === "kill") process.kill(process.pid, "SIGKILL");
    if (what === "fill disk")
      failAtFileChange(1, () => {
        throw new Error("no space left on device");
      });
    if (what === "stop" || what === "pause") requestControl(given.folder ?? "", what);
    if (what === "pause") setTimeout(() => requestControl(given.folder ?? "", "continue"), 500);
  };
  const { batches } = options;
  const { reason, step } = await train({
    ...{ ...options, recompute: isRecomputed || given.kind === "sharded" },
    ...(given.emptyEvery !== undefined && { batches: withEmptyBatches(batches, given.emptyEvery) }),
    ...(group && { group }),
    ...(given.resume && { resume: true }),
    signal: controller.signal,
    onEvent,
  });
  const { adapters, optimizer } = options;
  const trained = [...adapters.state()].filter(([name]) => given.kind !== "sharded" || !/\.base/.test(name));
  const state = [...trained, ...optimizer.state()];
  const hash = createHash("sha256");
  for (const [name, tensor] of state) {
    hash.update(name);
    visitBytes(tensor, (bytes) => hash.update(bytes));
  }
  return { reason, step, losses, hash: hash.digest("hex") };
}

try {
  console.log(JSON.stringify(await run()));
} catch (error) {
  if (!(error instanceof ScaloraError)) throw error;
  console.log(
    JSON.stringify({ code: error.code, message: messageOf(error).split("\n")[0], where: error.where }),
  );
}
