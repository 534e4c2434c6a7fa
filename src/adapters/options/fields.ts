import { z } from "zod";
import type { KeyIssue } from "../../schema/config-issue.ts";
import { integerAtLeast, modulePattern, pathString, positive } from "../../schema/field-types.ts";
import { formatFoundValue } from "../../schema/format-value.ts";
import { nearestName } from "../../util/nearest-name.ts";
import type { UncheckedSection } from "../core/method.ts";

/** One pattern in the place of a list; a text that looks like several, or like a word that may be there, is none. */
const onePattern = (words: readonly string[] = []) =>
  modulePattern()
    .refine((text) => text.startsWith("/") || (!/[\s,]/.test(text) && nearestName(text, words) === undefined))
    .transform((text): readonly string[] => [text]);
const list = z.array(modulePattern());
const patterns = z.union([list.readonly(), onePattern()]);

/** Which layers a method adapts, and which modules are trained in full as well. */
export const targetFields = {
  targetModules: z
    .union([z.literal("all-linear"), list.min(1).readonly(), onePattern(["all-linear"])])
    .prefault("all-linear")
    .meta({
      expects: "all-linear, a module name or /regular expression/, or a list of them",
      description: "Which linear layers get an adapter; all-linear leaves the output layer (lm_head) out",
    }),
  exclude: patterns.prefault([]).meta({
    expects: "a module name or /regular expression/, or a list of them",
    description: "Layers left out, in the same notation",
  }),
  modulesToSave: patterns.optional().meta({
    expects: "a module name or /regular expression/, or a list of them",
    description: "Parts trained whole beside the adapter and saved with it (PEFT's modules_to_save)",
    unset: "a classifier's head; of other models nothing",
  }),
  dropout: z.literal(0).default(0).meta({
    description: "Adapter dropout: there is none",
    refusal:
      "adapter dropout is not available: a mask between x and B would break the invariance of a ScaLoRA event, and every method is compared on equal terms",
  }),
};

/** The keys of the methods that have a rank. */
export const rankFields = {
  rank: integerAtLeast(1).default(8).meta({ description: "Columns r of the factors A [m, r] and B [n, r]" }),
  rankPattern: z.record(modulePattern(), integerAtLeast(1)).default({}).meta({
    expects: "a map from module names or /regular expressions/ to ranks (integers, at least 1)",
    description: "Ranks of single layers that differ from rank",
  }),
};

/** The keys of the methods that scale A·Bᵀ. */
export const scaleFields = {
  alpha: positive().optional().meta({ description: "Scale numerator: s = alpha / rank", unset: "2 × rank" }),
  rslora: z.boolean().default(false).meta({ description: "Scale by alpha / √rank (rsLoRA) instead" }),
};

/** How the second factor starts. */
export const initField = {
  init: z.enum(["kaiming", "gaussian"]).default("kaiming").meta({
    description: "How B starts; A starts at zero",
  }),
};

/** The key of methods that can continue from a PEFT folder. */
export const fromField = {
  from: pathString("the path of a PEFT adapter folder (with adapter_config.json)").optional().meta({
    description: "Adapter folder that training goes on from; its layers, ranks and scales are taken",
    unset: "a new adapter",
  }),
};

/** The keys of every method of two factors. */
export const lowRankFields = {
  ...rankFields,
  ...scaleFields,
  ...targetFields,
  ...initField,
  ...fromField,
};

/** Why a method that changes its base cannot train on one in 4 bits. */
export const writesToBaseRefusal =
  "it changes the base weights as it trains, and codes of sixteen numbers a block cannot take a small change";

/** The keys of the methods that merge into the base as they train. */
export const baseFields = {
  base: z.enum(["auto", "exact", "split", "factored"]).default("auto").meta({
    description:
      "Storage of adapted weights: exact in float32, split in bfloat16 + 16 bits, or factored: frozen as loaded, with what is merged beside them at a low rank; auto is exact or split, by precision",
    refusal:
      "every merge is far below half a bfloat16 ulp, so a base that rounds loses the method (measured: worse than no training)",
  }),
  baseRank: integerAtLeast(1).optional().meta({
    description: "Highest rank of what a factored base keeps of the merges",
    unset: "8 × rank, at least 64",
  }),
  tied: z.enum(["refuse", "untie"]).default("refuse").meta({
    description: "What to do with an adapted weight that is tied to another (lm_head to the embedding)",
  }),
};

/** Why a method that merges into its base cannot train on one in 4 bits, unless the base is factored. */
export const refusalUnlessFactored = ({ base }: UncheckedSection): string | undefined =>
  base === "factored"
    ? undefined
    : `${writesToBaseRefusal}; use adapter.base: factored, which keeps what changes beside them`;

/** Finds keys of a factored base that do not go together. */
export function checkBaseOptions({ base, baseRank, rank = 8 }: UncheckedSection): KeyIssue[] {
  if (baseRank === undefined) return [];
  const path = ["adapter", "baseRank"];
  const found = formatFoundValue(baseRank);
  if (base !== "factored")
    return [{ path, problem: "has no effect without base: factored", found, fix: "remove it" }];
  if (typeof baseRank !== "number" || typeof rank !== "number" || baseRank >= rank) return [];
  const expected = `at least adapter.rank, ${rank}`;
  return [{ path, problem: "is less than the rank of one merge", expected, found }];
}

/**
 * Keys that a PEFT folder already decides: which layers are adapted, their ranks, scales and values. A recipe may not set
 * them together with `from`, which would silently ignore them.
 */
export const layerFolderKeys: readonly string[] = ["targetModules", "exclude", "modulesToSave"];
export const factorFolderKeys: readonly string[] = [...layerFolderKeys, "rank", "rankPattern", "init"];
export const lowRankFolderKeys: readonly string[] = [...factorFolderKeys, "alpha", "rslora"];

/** The default numerator: a scale of 2, whatever the rank. */
export function withDefaultAlpha<T extends { rank: number; alpha?: number | undefined }>(adapter: T) {
  return { ...adapter, alpha: adapter.alpha ?? 2 * adapter.rank };
}

/** The parsed options of some fields. */
type Parsed<Fields extends z.ZodRawShape> = z.output<z.ZodObject<Fields>>;

/** Options of the methods that adapt linear layers. */
export type TargetOptions = Parsed<typeof targetFields>;

/** Options of the methods that name a rank. */
export type RankOptions = TargetOptions & Parsed<typeof rankFields>;

/** Options of the methods of two factors that have a scale. */
export type ScaledRankOptions = RankOptions & Parsed<typeof scaleFields> & { readonly alpha: number };

/** How factors start: at random, or as those of a PEFT folder. */
export type StartOptions = Parsed<typeof initField & typeof fromField>;

/** Options of the methods that merge into the base as they train. */
export type BaseOptions = Parsed<typeof baseFields>;
