import type { Recipe } from "../config/index.ts";
import { formatBytes } from "../util/format.ts";
import type { MemoryLimit } from "./available-memory.ts";
import type { MemoryNeed } from "./memory-estimate.ts";
import { fitOf } from "./memory-fit.ts";

/** How a run uses memory. */
export interface MemoryPlan {
  readonly memory: MemoryNeed;
  /** Whether the backward pass runs the model's blocks again. */
  readonly recompute: boolean;
  /** What the run would need with that, where it does not fit without. */
  readonly recomputed?: MemoryNeed;
  readonly warnings: readonly string[];
}

/** What a plan follows from. */
export interface MemoryChoice {
  readonly setting: Recipe["train"]["recompute"];
  readonly limit: MemoryLimit;
  /** Whether runs that do not fit are refused. */
  readonly isChecked: boolean;
  /** Measures what the run needs, with or without recomputation. */
  readonly measure: (recompute: boolean) => MemoryNeed;
}

/** Decides whether a run recomputes activations: always, never, or (`auto`, the default) where it would be refused without. */
export function planMemory({ setting = "auto", limit, isChecked, measure }: MemoryChoice): MemoryPlan {
  if (setting === "all") return { memory: measure(true), recompute: true, warnings: [] };
  const plain = { memory: measure(false), recompute: false, warnings: [] };
  if (!isChecked || fitOf(plain.memory, limit) !== "no") return plain;
  const recomputed = measure(true);
  if (setting === "none" || recomputed.total >= plain.memory.total) return { ...plain, recomputed };
  return { memory: recomputed, recompute: true, warnings: [warning(plain.memory, recomputed, limit)] };
}

const warning = (plain: MemoryNeed, recomputed: MemoryNeed, limit: MemoryLimit) =>
  `the run would take about ${formatBytes(plain.total)}, and there are ${formatBytes(limit.bytes)}: its backward pass runs the model's blocks again (train.recompute: auto), which takes about ${formatBytes(recomputed.total)}, and longer; losses and gradients stay the same`;
