import { z } from "zod";
import { modulePattern, pathText, positive, wholeFrom } from "./fields.js";

/** The methods of training that an `adapter.method` may name, with one line on each. */
export const methods = {
  lora: "Low-rank adapters on a frozen base (arXiv 2106.09685)",
  scalora: "LoRA whose base absorbs an optimally scaled adapter at every step, so that the change gains rank",
  "scalora-i": "ScaLoRA with a scaling event every tenth step: the same within noise, at a tenth of the cost",
  full: "Full fine-tuning: every parameter is trained",
} as const;

export type MethodName = keyof typeof methods;

const patterns = z.array(modulePattern()).min(1);

/** What every low-rank method has. */
const lowRank = {
  rank: wholeFrom(1).default(8).meta({ description: "Columns r of the factors A [m, r] and B [n, r]" }),
  alpha: positive().optional().meta({ description: "Scale numerator: s = alpha / rank", unset: "2 × rank" }),
  rslora: z.boolean().default(false).meta({ description: "Scale by alpha / √rank (rsLoRA) instead" }),
  targetModules: z
    .union([z.literal("all-linear"), patterns])
    .default("all-linear")
    .meta({
      expects: "all-linear, or a list of module names and /regular expressions/",
      description: "Which linear layers get an adapter; all-linear leaves the output layer (lm_head) out",
    }),
  exclude: z.array(modulePattern()).default([]).meta({
    expects: "a list of module names and /regular expressions/",
    description: "Layers left out, in the same notation",
  }),
  rankPattern: z.record(modulePattern(), wholeFrom(1)).default({}).meta({
    expects: "a map from module names or /regular expressions/ to ranks (integers, at least 1)",
    description: "Ranks of single layers that differ from rank",
  }),
  modulesToSave: z.array(modulePattern()).optional().meta({
    expects: "a list of module names and /regular expressions/",
    description: "Parts trained whole beside the adapter and saved with it (PEFT's modules_to_save)",
    unset: "a classifier's head; of other models nothing",
  }),
  init: z.enum(["kaiming", "gaussian"]).default("kaiming").meta({
    description: "How B starts; A starts at zero",
  }),
  from: pathText("the path of a PEFT adapter folder (with adapter_config.json)").optional().meta({
    description: "Adapter folder that training goes on from; its layers, ranks and scales are taken",
    unset: "a new adapter",
  }),
  dropout: z.literal(0).default(0).meta({
    description: "Adapter dropout: there is none",
    refusal:
      "adapter dropout is not available: a mask between x and B would break the invariance of a ScaLoRA event, and every method is compared on equal terms",
  }),
};

const scaleValue = z.union([
  z.enum(["auto", "preserve"]),
  z.strictObject({ columnNorm: positive() }),
  z.strictObject({ lipschitz: positive() }),
]);

/** What both ScaLoRA methods have beside the low-rank options; the methods differ in the default interval. */
const scaling = (interval: number) => ({
  policy: z.enum(["default", "paper", "scalar", "svd"]).default("default").meta({
    description: "Solver of the scaling factors (svd: the slow oracle of Theorem 3.2, for small models)",
  }),
  moments: z.enum(["transfer", "keep", "reset", "transport"]).optional().meta({
    description: "What an event does to the optimiser's moments (transport: only with policy svd)",
    unset: "transfer; reset with policy svd",
  }),
  interval: z
    .union([wholeFrom(1), z.literal("adaptive")])
    .default(interval)
    .meta({ expects: "an integer, at least 1, or adaptive", description: "Steps between scaling events" }),
  scale: scaleValue.default("auto").meta({
    expects: "auto, preserve, {columnNorm: ρ} or {lipschitz: L} with a number above 0",
    description: "Column norm aimed at; preserve keeps each layer's own, auto is preserve",
  }),
  firstEvent: wholeFrom(2).optional().meta({
    description: "Step of the first event, counted from 1",
    unset: "the step after warm-up, at least 2",
  }),
  base: z.enum(["auto", "exact", "split"]).default("auto").meta({
    description:
      "Storage of adapted weights: exact in float32, or split in bfloat16 + 16 bits; auto by precision",
    refusal:
      "every merge is far below half a bfloat16 ulp, so a base that rounds loses the method (measured: worse than no training)",
  }),
  tied: z.enum(["refuse", "untie"]).default("refuse").meta({
    description: "What to do with an adapted weight that is tied to another (lm_head to the embedding)",
  }),
});

const lora = z.strictObject({ method: z.literal("lora"), ...lowRank });
const scalora = z.strictObject({ method: z.literal("scalora"), ...lowRank, ...scaling(1) });
const scaloraInterval = z.strictObject({ method: z.literal("scalora-i"), ...lowRank, ...scaling(10) });
const full = z.strictObject({ method: z.literal("full") });

/** Section `adapter` as it is written: a union over `method`. */
export const adapterSchema = z
  .discriminatedUnion("method", [lora, scalora, scaloraInterval, full])
  .transform(resolveAdapter);

type Written = z.output<typeof lora | typeof scalora | typeof scaloraInterval | typeof full>;

/** Fills the defaults that depend on other keys. */
function resolveAdapter(adapter: Written) {
  if (adapter.method === "full") return adapter;
  const alpha = adapter.alpha ?? 2 * adapter.rank;
  if (adapter.method === "lora") return { ...adapter, alpha };
  const moments = adapter.moments ?? (adapter.policy === "svd" ? ("reset" as const) : ("transfer" as const));
  return { ...adapter, alpha, moments };
}

/** A checked `adapter` section, defaults filled in. */
export type AdapterConfig = z.output<typeof adapterSchema>;
export type FullConfig = Extract<AdapterConfig, { method: "full" }>;
export type LoraConfig = Extract<AdapterConfig, { method: "lora" }>;
export type ScaloraConfig = Extract<AdapterConfig, { method: "scalora" | "scalora-i" }>;
