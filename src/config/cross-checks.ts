import { isDeepStrictEqual } from "node:util";
import { crossKeyIssues, safeParseOptions } from "../adapters/check-options.ts";
import type { UncheckedSection } from "../adapters/core/method.ts";
import { methodsForQuantisedBase, quantisedRefusal } from "../adapters/methods-for-quantised-base.ts";
import { methodNamed } from "../adapters/registry.ts";
import type { KeyIssue } from "../schema/config-issue.ts";
import { formatFoundValue } from "../schema/format-value.ts";
import { mapTuple } from "../util/elements.ts";
import type { RawSections } from "./recipe-sections.ts";
import { exclusiveKeys, maxStepRows, trainSchema } from "./train-section.ts";

/** Finds keys that do not go together. Works on unchecked sections, so that these problems are reported with all others. */
export function checkAcrossKeys(raw: RawSections): KeyIssue[] {
  const [model, adapter, train, data, run] = mapTuple(
    [raw.model, raw.adapter, raw.train, raw.data, raw.run],
    asSection,
  );
  return [
    ...exclusiveKeys.flatMap(([first, second]) => exclusiveKeyIssues(train, first, second)),
    ...checkFromKeys(adapter),
    ...quantisationChecks(model, adapter),
    ...crossKeyIssues(methodNamed(String(adapter["method"])), adapter, train),
    ...optimizerChecks(train),
    ...stepSizeChecks(train),
    ...warmupChecks(train),
    ...shardChecks(train, run),
    ...evalChecks(data, train),
  ];
}

function asSection(value: unknown): UncheckedSection {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function exclusiveKeyIssues(train: UncheckedSection, first: string, second: string): KeyIssue[] {
  if (train[first] === undefined || train[second] === undefined) return [];
  return [
    {
      path: ["train", second],
      problem: `excludes train.${first}`,
      expected: `only one of ${first} and ${second}`,
      found: "both",
    },
  ];
}

function checkFromKeys(adapter: UncheckedSection): KeyIssue[] {
  if (adapter["from"] === undefined) return [];
  const { folderKeys, schema } = methodNamed(String(adapter["method"])) ?? {};
  const defaults = schema && safeParseOptions(schema, { method: adapter["method"] }).data;
  if (folderKeys === undefined || defaults === undefined) return [];
  return Object.entries(adapter)
    .filter(([key]) => folderKeys.includes(key))
    .filter(([key, value]) => value !== undefined && !isDeepStrictEqual(value, defaults[key]))
    .map(([key]) => ({
      path: ["adapter", key],
      problem: "has no effect with adapter.from, whose folder has its own",
      found: formatFoundValue(adapter[key]),
      fix: "remove it",
    }));
}

/** Checks `model.quantization` against the method. */
function quantisationChecks({ quantization }: UncheckedSection, adapter: UncheckedSection): KeyIssue[] {
  const method = methodNamed(String(adapter["method"]));
  if (method === undefined) return [];
  if (quantization === "none" && method.quantises === true)
    return [
      {
        path: ["model", "quantization"],
        problem: `is what adapter.method: ${method.name} is about`,
        expected: "nf4, or nothing",
        found: "none",
        fix: "use adapter.method: lora on a base that is not quantised",
      },
    ];
  const refusal = quantization === "nf4" ? quantisedRefusal(method, adapter) : undefined;
  if (refusal === undefined) return [];
  return [
    {
      path: ["model", "quantization"],
      problem: `does not go with adapter.method: ${adapter["method"]}: ${refusal}`,
      expected: `none, or a method on a frozen base (${methodsForQuantisedBase(adapter)})`,
      found: "nf4",
    },
  ];
}

/** An option of the other optimiser would be ignored silently; it is refused instead, unless it is the default. */
function optimizerChecks(train: UncheckedSection): KeyIssue[] {
  const { optimizer = "adamw" } = train;
  if (optimizer !== "adamw" && optimizer !== "sgd") return [];
  const defaults = trainSchema().parse({});
  const foreign = optimizer === "sgd" ? (["betas", "eps"] as const) : (["momentum"] as const);
  return foreign
    .filter((key) => train[key] !== undefined && !isDeepStrictEqual(train[key], defaults[key]))
    .map((key) => ({
      path: ["train", key],
      problem: `has no effect with optimizer ${optimizer}`,
      found: formatFoundValue(train[key]),
      fix: "remove it",
    }));
}

/** All batches of a step are in memory at once. */
function stepSizeChecks({ batchSize, accumulate }: UncheckedSection): KeyIssue[] {
  if (typeof batchSize !== "number" || typeof accumulate !== "number" || accumulate <= 1) return [];
  if (!(batchSize * accumulate > maxStepRows)) return [];
  return [
    {
      path: ["train", "batchSize"],
      problem: "makes a step too large together with train.accumulate",
      expected: `at most ${maxStepRows} rows a step`,
      found: `${batchSize} × ${accumulate} rows`,
    },
  ];
}

/** The steps of epochs are known once the rows are. */
function warmupChecks({ warmup, steps }: UncheckedSection): KeyIssue[] {
  if (typeof warmup !== "number" || typeof steps !== "number" || warmup < Math.max(1, steps)) return [];
  return [
    {
      path: ["train", "warmup"],
      problem: "takes the whole run",
      expected: `fewer steps than train.steps, which is ${steps}; or a share of them, below 1`,
      found: formatFoundValue(warmup),
    },
  ];
}

/** Of a base that is shared out only one block at a time is in memory, and every token of a sample would gather them all. */
function shardChecks({ shardBase, recompute = "all" }: UncheckedSection, run: UncheckedSection): KeyIssue[] {
  if (shardBase !== true) return [];
  const issues: KeyIssue[] = [];
  if (recompute !== "all")
    issues.push({
      path: ["train", "recompute"],
      problem: "does not go with train.shardBase, whose passes always recompute",
      expected: "all, or nothing",
      found: formatFoundValue(recompute),
    });
  if (Array.isArray(run["samples"]))
    issues.push({
      path: ["run", "samples"],
      problem: "has prompts, and no samples are taken with train.shardBase",
      found: formatFoundValue(run["samples"]),
      fix: "remove it; generate from the finished run",
    });
  return issues;
}

function evalChecks(data: UncheckedSection, train: UncheckedSection): KeyIssue[] {
  if (data["eval"] !== "none") return [];
  return ["evalEvery", "patience"]
    .filter((key) => typeof train[key] === "number" && train[key] > 0)
    .map((key) => ({
      path: ["train", key],
      problem: "needs an evaluation set, and data.eval is none",
      found: formatFoundValue(train[key]),
      fix: "give data.eval a file or {holdOut: 0.05}, or remove this key",
    }));
}
