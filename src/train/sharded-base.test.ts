// Ranks that share the base model out between them, as processes of their own (testing/train-rank.ts).
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeModelFolder } from "../model-files/write-model-folder.ts";
import { createClassifier } from "../models/index.ts";
import { writeTinyLlama } from "../testing/tiny-llama.ts";
import { temporaryFolder } from "../testing/tiny-run.ts";
import { Generator } from "../torch/index.ts";
import { parseJson } from "../util/strict-json.ts";
import { startRanks, trainOn } from "./testing/start-ranks.ts";
import type { Case } from "./testing/train-rank.ts";

const scratch = temporaryFolder();
const at = (...parts: string[]) => join(scratch.path, ...parts);
afterAll(scratch.remove);
// Wide enough for all weights to be shared out between 3 ranks, and with rows that 3 does not divide.
const config = { hidden_size: 64, intermediate_size: 112, num_hidden_layers: 3 };
beforeAll(() => {
  writeTinyLlama(at("model"), { config });
  writeTinyLlama(at("tied"), { config: { ...config, tie_word_embeddings: true } });
  writeTinyLlama(at("gemma3"), { config: { ...config, ...gemma3 } });
  writeDeberta();
});

/** Layers that see 4 tokens between those that see all, four norms a layer, normalised queries and keys, a tied output layer. */
const gemma3 = {
  architectures: ["Gemma3ForCausalLM"],
  model_type: "gemma3_text",
  num_hidden_layers: 4,
  head_dim: 24,
  query_pre_attn_scalar: 20,
  sliding_window: 4,
  sliding_window_pattern: 2,
  tie_word_embeddings: true,
};

/** A DeBERTa-v3 with all of its dropout, whose layers share normalised embeddings of relative positions, and no classifier. */
function writeDeberta(): void {
  const complete = {
    ...{
      model_type: "deberta-v2",
      vocab_size: 40,
      hidden_size: 64,
      intermediate_size: 112,
      dtype: "float32",
    },
    num_hidden_layers: 3,
    num_attention_heads: 4,
    max_position_embeddings: 32,
    initializer_range: 0.2,
    ...{
      type_vocab_size: 0,
      relative_attention: true,
      position_biased_input: false,
      pos_att_type: "p2c|c2p",
    },
    position_buckets: 8,
    norm_rel_ebd: "layer_norm",
    share_att_key: true,
    pooler_hidden_size: 64,
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    pooler_dropout: 0.1,
  };
  using generator = new Generator(5, "cpu");
  using model = createClassifier(complete, generator);
  const weights = [...model.namedParameters()].filter(([name]) => name.startsWith("deberta."));
  const written = parseJson(JSON.stringify(complete));
  if (!(written instanceof Map)) throw new Error("a config is an object");
  mkdirSync(at("companions"));
  writeModelFolder(at("deberta"), { config: written, weights, auxiliarySource: at("companions") });
}

const targets = { rank: 2, targetModules: "all-linear" } as const;
type Base = Omit<NonNullable<Case["base"]>, "folder">;
const bases: Readonly<Record<string, Base>> = {
  lora: { adapter: { method: "lora", ...targets } },
  "scalora-i": { adapter: { method: "scalora-i", ...targets } },
  "scalora, bfloat16": { dtype: "bfloat16", adapter: { method: "scalora", ...targets } },
  "scalora, factored": { adapter: { method: "scalora", base: "factored", ...targets } },
  relora: { adapter: { method: "relora", interval: 2, ...targets } },
  dora: { adapter: { method: "dora", ...targets } },
  qlora: { quantization: "nf4", adapter: { method: "qlora", ...targets } },
};

/** Sizes and hashes of the tensor files of a run's checkpoints. */
const checkpoints = (run: string) =>
  readdirSync(at(run, "checkpoints")).map((step) => {
    const { files } = JSON.parse(readFileSync(at(run, "checkpoints", step, "manifest.json"), "utf8"));
    return [step, files["adapters.safetensors"], files["optimizer.safetensors"]];
  });

let runs = 0;
/** Trains on one process, which has the whole base, and on several that share it; compares all that they print and save. */
async function expectSameBits(size: number, base: Base, folder = "model") {
  const run = `run${runs++}`;
  const given = { kind: "sharded", microBatches: 3, base: { folder: at(folder), ...base } } as const;
  const [alone] = await trainOn(1, { ...given, folder: at(`${run}-alone`) });
  expect(alone.reason).toBe("finished");
  const together = await trainOn(size, { ...given, folder: at(run) });
  expect(together).toEqual(Array(size).fill(alone));
  expect(checkpoints(run)).toEqual(checkpoints(`${run}-alone`));
}

it.each(Object.entries(bases))(
  "2 ranks that share the base give the bits of one process: %s",
  async (_, base) => {
    await expectSameBits(2, base);
  },
  60_000,
);

it("3 ranks, whose rows are not equally many, and an output layer that is the embedding", async () => {
  await expectSameBits(3, { adapter: { method: "scalora-i", ...targets } }, "tied");
}, 60_000);

it.each([
  ["gemma3", "scalora-i", { adapter: { method: "scalora-i", ...targets } }],
  ["gemma3", "dora, NF4", { quantization: "nf4", adapter: { method: "dora", ...targets } }],
  ["deberta", "lora", { isClassifier: true, adapter: { method: "lora", ...targets } }],
  ["deberta", "relora", { isClassifier: true, adapter: { method: "relora", interval: 2, ...targets } }],
] as const satisfies readonly (readonly [string, string, Base])[])(
  "2 ranks that share the base of %s give the bits of one process: %s",
  async (folder, _, base) => {
    await expectSameBits(2, base, folder);
  },
  60_000,
);

it("a run stops, and resumes to the same bits on another number of ranks, and on one process with the whole base", async () => {
  const base = { folder: at("model"), adapter: { method: "scalora-i", ...targets } } as const;
  const given = { kind: "sharded", microBatches: 6, steps: 8, base } as const;
  const [whole] = await trainOn(1, given);
  const folder = scratch.fresh("resumed");
  const stopped = await trainOn(2, { ...given, folder, event: { what: "abort", rank: 1, step: 3 } });
  for (const { reason, step } of stopped) expect({ reason, step }).toEqual({ reason: "stopped", step: 3 });
  const event = { what: "stop", rank: 0, step: 5 } as const;
  for (const { reason } of await trainOn(3, { ...given, folder, resume: true, event }))
    expect(reason).toBe("stopped");
  const [last] = await trainOn(1, { ...given, folder, resume: true });
  expect({ hash: last.hash, reason: last.reason }).toEqual({ hash: whole.hash, reason: "finished" });
}, 60_000);

it("a rank that is killed in the middle of a pass ends the others", async () => {
  const base = { folder: at("model"), adapter: { method: "lora", ...targets } } as const;
  const event = { what: "kill in a pass", rank: 1, step: 2 } as const;
  const [first, second] = await startRanks(2, { kind: "sharded", microBatches: 2, base, event });
  expect(second?.signal).toBe("SIGKILL");
  expect(JSON.parse(first?.stdout ?? "")).toMatchObject([{ code: "run", told: ["lost"] }]);
}, 60_000);

it("of a checkpoint of which a rank cannot write its part nothing is left", async () => {
  const base = { folder: at("model"), adapter: { method: "scalora-i", ...targets } } as const;
  const event = { what: "fill disk", rank: 1, step: 4 } as const;
  const folder = scratch.fresh("full-disk");
  const ends = await startRanks(2, { kind: "sharded", microBatches: 2, steps: 8, base, folder, event });
  for (const { stdout } of ends) expect(JSON.parse(stdout)).toMatchObject([{ code: "run" }]);
  expect(readdirSync(join(folder, "checkpoints"))).toEqual(["step-000002", "step-000003"]);
}, 60_000);

it.each([
  ["full", { method: "full" }],
  ["lora-ga", { method: "lora-ga", ...targets }],
  ["policy: svd", { method: "scalora", policy: "svd", ...targets }],
] as const)(
  "refuses what changes whole weights: %s",
  async (_, adapter) => {
    const base = { folder: at("model"), adapter };
    for (const refused of await trainOn(2, { kind: "sharded", microBatches: 2, base }))
      expect(refused).toMatchObject({ code: "config", where: "train.shardBase" });
  },
  60_000,
);
