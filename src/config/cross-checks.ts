import { isDeepStrictEqual } from "node:util";
import { adapterSchema } from "./adapter.js";
import type { RawSections } from "./describe.js";
import { type ConfigIssue, foundText, type KeyPath } from "./issues.js";
import { trainSchema } from "./train.js";

type CrossIssue = Omit<ConfigIssue, "where" | "key"> & { path: KeyPath };

/** What keys say about each other. Works on unchecked sections, so that these problems too come with all others. */
export function crossChecks(raw: RawSections): CrossIssue[] {
  const [adapter, train, data] = [record(raw.adapter), record(raw.train), record(raw.data)];
  return [
    ...exclusive(train, "steps", "epochs"),
    ...exclusive(train, "batchSize", "batchTokens"),
    ...fromChecks(adapter),
    ...scaloraChecks(adapter, train),
    ...optimizerChecks(train),
    ...evalChecks(data, train),
  ];
}

type Loose = Readonly<Record<string, unknown>>;

function record(value: unknown): Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function exclusive(train: Loose, first: string, second: string): CrossIssue[] {
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

/** An adapter folder brings its own layers, ranks and scales; others beside it would be ignored silently. */
function fromChecks(adapter: Loose): CrossIssue[] {
  if (adapter.from === undefined || adapter.method === "full") return [];
  const defaults = adapterSchema.parse({ method: "lora" });
  return Object.entries({ modulesToSave: undefined, ...defaults })
    .filter(([key, value]) => adapter[key] !== undefined && !isDeepStrictEqual(adapter[key], value))
    .filter(([key]) => key !== "method" && key !== "dropout")
    .map(([key]) => ({
      path: ["adapter", key],
      problem: "has no effect with adapter.from, whose folder has its own",
      found: foundText(adapter[key]),
      fix: "remove it",
    }));
}

function scaloraChecks(adapter: Loose, train: Loose): CrossIssue[] {
  if (adapter.method !== "scalora" && adapter.method !== "scalora-i") return [];
  const issues: CrossIssue[] = [];
  const { policy = "default", moments } = adapter;
  if (policy === "svd" && (moments === "transfer" || moments === "keep")) {
    issues.push({
      path: ["adapter", "moments"],
      problem: "does not go with policy svd, whose new factors have no columns in common with the old ones",
      expected: "reset or transport",
      found: foundText(moments),
    });
  }
  if (policy !== "svd" && moments === "transport") {
    issues.push({
      path: ["adapter", "moments"],
      problem: "transport projects moments onto the new factors of policy svd",
      expected: "transfer, keep or reset (or policy: svd)",
      found: foundText(moments),
    });
  }
  if (typeof train.weightDecay === "number" && train.weightDecay > 0) {
    issues.push({
      path: ["train", "weightDecay"],
      problem:
        "refused with ScaLoRA: decay acts on the factors only, so what an event has moved into the base would escape it and the regularisation would depend on the interval",
      expected: "0",
      found: foundText(train.weightDecay),
    });
  }
  return issues;
}

/** An option of the other optimiser would be ignored silently; it is refused instead, unless it is the default. */
function optimizerChecks(train: Loose): CrossIssue[] {
  const { optimizer = "adamw" } = train;
  if (optimizer !== "adamw" && optimizer !== "sgd") return [];
  const defaults = trainSchema.parse({});
  const foreign = optimizer === "sgd" ? (["betas", "eps"] as const) : (["momentum"] as const);
  return foreign
    .filter((key) => train[key] !== undefined && !isDeepStrictEqual(train[key], defaults[key]))
    .map((key) => ({
      path: ["train", key],
      problem: `has no effect with optimizer ${optimizer}`,
      found: foundText(train[key]),
      fix: "remove it",
    }));
}

function evalChecks(data: Loose, train: Loose): CrossIssue[] {
  if (data.eval !== "none") return [];
  return ["evalEvery", "patience"]
    .filter((key) => typeof train[key] === "number" && train[key] > 0)
    .map((key) => ({
      path: ["train", key],
      problem: "needs an evaluation set, and data.eval is none",
      found: foundText(train[key]),
      fix: "give data.eval a file or {holdOut: 0.05}, or remove this key",
    }));
}
