// Whole trainings with graphs, on the second device.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadModel } from "../../models/index.ts";
import { loadClassifier } from "../../models/load-classifier.ts";
import type { TokenStream } from "../../nn/index.ts";
import { requestControl } from "../../run/control-command.ts";
import type { RunEvent } from "../../run/events.ts";
import { readEvents } from "../../run/read-events.ts";
import { refusal } from "../../testing/refusal.ts";
import { checkTensorLeaks } from "../../testing/tensor-leak-check.ts";
import { tolerances } from "../../testing/tolerances.ts";
import "../../testing/close-to.ts";
import { writeTinyLlama } from "../../testing/tiny-llama.ts";
import { TinyLM } from "../../testing/tiny-lm.ts";
import { temporaryFolder, tinyRun } from "../../testing/tiny-run.ts";
import * as torch from "../../torch/index.ts";
import { useSecondDevice } from "../../torch/second-device.ts";
import { checkpointPath } from "../checkpoints/save-checkpoint.ts";
import { train } from "../trainer.ts";
import { requireGraphs, requirePassKey } from "./require-graphs.ts";

const made = checkTensorLeaks();
const device = useSecondDevice();
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const settings = { steps: 14, saveEvery: 5, evalEvery: 4, accumulate: 2 };

/** Counts the passes that the host has computed. */
class CountingLM extends TinyLM {
  passes = 0;

  override hiddenStates(stream: TokenStream): torch.Tensor {
    this.passes++;
    return super.hiddenStates(stream);
  }
}

interface Part {
  readonly until?: number;
  readonly resume?: boolean;
  readonly cudaGraphs?: boolean;
}

const lossesOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === "step" || event.type === "eval" ? [event.loss] : []));

async function trainIn(name: string, { until, resume = false, cudaGraphs = true }: Part = {}) {
  const path = join(folder.path, name);
  const lm = new CountingLM({ device });
  const adapter = { method: "lora", rank: 2, targetModules: ["mix"] } as const;
  const run = tinyRun(settings, { folder: path, resume, lm, adapter });
  made.push(run);
  await train({
    ...run.options,
    cudaGraphs,
    onEvent: (event) => {
      if (event.type === "step" && event.step === until) requestControl(path, "stop");
    },
  });
  made.pop()?.dispose();
  return { passes: lm.passes, losses: lossesOf(readEvents(path)) };
}

const trainedIn = (name: string) =>
  readFileSync(join(checkpointPath(join(folder.path, name, "checkpoints"), 14), "adapters.safetensors"));

test("a resumed run ends bit for bit where the uninterrupted one does", async () => {
  const whole = await trainIn("whole");
  await trainIn("parts", { until: 6 });
  const parts = await trainIn("parts", { resume: true });
  expect(trainedIn("parts")).toEqual(trainedIn("whole"));
  expect(parts.losses).toEqual(whole.losses);
  const plain = await trainIn("plain", { cudaGraphs: false });
  expect(plain.passes - whole.passes).toBeGreaterThan(4);
  expect(whole.losses).toBeCloseToAll(plain.losses, tolerances.trained);
});

/** Its host waits for the device in each pass. */
class WaitingLM extends TinyLM {
  override hiddenStates(stream: TokenStream): torch.Tensor {
    torch.noGrad(() => torch.scope(() => torch.sum(stream.positions).item()));
    return super.hiddenStates(stream);
  }
}

async function eventsOf(cudaGraphs: boolean) {
  const run = tinyRun({ steps: 6 }, { lm: new WaitingLM({ device }) });
  made.push(run);
  const events: RunEvent[] = [];
  await train({ ...run.options, cudaGraphs, onEvent: (event) => events.push(event) });
  return events;
}

test("a pass that cannot be recorded is a warning of the run, which goes on", async () => {
  const [graphs, plain] = [await eventsOf(true), await eventsOf(false)];
  const warnings = graphs.flatMap((event) => (event.type === "warning" ? [event.message] : []));
  expect(warnings).toEqual([expect.stringMatching(/^train\.cudaGraphs: .*aten::_local_scalar_dense/)]);
  expect(lossesOf(graphs)).toBeCloseToAll(lossesOf(plain), tolerances.trained);
});

test("graphs are refused on the CPU, of a classifier, and on several ranks", async () => {
  const run = tinyRun({ steps: 2 });
  made.push(run);
  await expect(train({ ...run.options, cudaGraphs: true })).rejects.toThrow(
    refusal("config", { where: "train.cudaGraphs", found: "model.device: cpu" }),
  );
  using classifier = await loadClassifier(golden("encoders/bert-pairs"), { device });
  expect(() => requireGraphs(classifier)).toThrow(refusal("config", { found: "a classifier" }));
  using decoder = new TinyLM({ device });
  expect(() => requireGraphs(decoder, 2)).toThrow(refusal("config", { found: "2 processes" }));
  expect(requireGraphs(decoder)).toBe(decoder);
});

const golden = (name: string) => fileURLToPath(new URL(`../../../test/golden/${name}`, import.meta.url));

function writeDynamicLlama(): string {
  const path = join(folder.path, "dynamic");
  writeTinyLlama(path, { config: { rope_scaling: { rope_type: "dynamic", factor: 2 } } });
  return path;
}

/** A Gemma 2 whose heads have a width of flash attention's. */
function writeGemma2(cap: number | null): string {
  const path = join(folder.path, "gemma2");
  const [model_type, heads] = [
    "gemma2",
    { head_dim: 8, query_pre_attn_scalar: 8, hidden_activation: "gelu_pytorch_tanh" },
  ];
  writeTinyLlama(path, { config: { model_type, ...heads, attn_logit_softcapping: cap } });
  return path;
}

test.each([
  ["float32 weights", "float32", () => golden("llama/gqa")],
  ["soft caps", "bfloat16", () => writeGemma2(50)],
  ["positions by length", "bfloat16", writeDynamicLlama],
] as const)("graphs of a model with %s are refused before the first step", async (_, dtype, path) => {
  using model = await loadModel(path(), { device, dtype });
  const found = `a model in ${dtype} whose passes go by the lengths of a batch's sequences`;
  expect(() => requireGraphs(model)).toThrow(refusal("config", { where: "train.cudaGraphs", found }));
});

test.each([() => golden("llama/gqa"), () => writeGemma2(null)])(
  "others are not refused: %s",
  async (path) => {
    using model = await loadModel(path(), { device, dtype: "bfloat16" });
    expect(requireGraphs(model)).toBe(model);
  },
);

test("graphs of a method that does not say what its passes depend on are refused", async () => {
  const run = tinyRun({ steps: 2 }, { lm: new TinyLM({ device }) });
  made.push(run);
  const silent = new Proxy(run.options.adapters, {
    get: (adapters, name) => (name === "passKey" ? undefined : Reflect.get(adapters, name, adapters)),
  });
  await expect(train({ ...run.options, adapters: silent, cudaGraphs: true })).rejects.toThrow(
    refusal("config", { where: "train.cudaGraphs", found: /without one/ }),
  );
  expect(() => requirePassKey({ ...silent, method: "lists", passKey: () => JSON.parse("[1]") })).toThrow(
    refusal("config", { found: "an object of method lists" }),
  );
});
