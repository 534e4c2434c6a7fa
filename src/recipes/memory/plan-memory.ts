import type { Recipe } from "../../config/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { formatBytes } from "../../util/format.ts";
import type { MemoryLimit } from "./available-memory.ts";
import type { MemoryNeed } from "./memory-estimate.ts";
import { fitOf } from "./memory-fit.ts";

/** How a run uses memory. */
export interface MemoryPlan {
  readonly memory: MemoryNeed;
  /** Whether the backward pass runs the model's blocks again. */
  readonly recompute: boolean;
  /** What the run would need with that, where it does not fit without, or where it is not known whether it fits. */
  readonly recomputed?: MemoryNeed;
  readonly warnings: readonly string[];
}

/** What a plan follows from. */
export interface MemoryChoice {
  readonly setting: Recipe["train"]["recompute"];
  readonly limit: MemoryLimit;
  /** Whether runs that do not fit are refused. */
  readonly isChecked: boolean;
  /** Whether the limit is another machine's, and unknown: `auto` then says both. */
  readonly isElsewhere?: boolean;
  /** Measures what the run needs, with or without recomputation. */
  readonly measure: (recompute: boolean) => MemoryNeed;
}

/** Decides whether a run recomputes activations: always, never, or (`auto`, the default) where it would be refused without. */
export function planMemory(choice: MemoryChoice): MemoryPlan {
  const plan = choose(choice);
  const unknown = plan.memory.unknown.map((what) => `the memory that the run takes is not known for ${what}`);
  return { ...plan, warnings: [...plan.warnings, ...unknown] };
}

function choose({
  setting = "auto",
  limit,
  isChecked,
  isElsewhere = false,
  measure,
}: MemoryChoice): MemoryPlan {
  if (setting === "all") return { memory: measure(true), recompute: true, warnings: [] };
  const need = measurePlain(setting, measure);
  if (need === undefined) return { memory: measure(true), recompute: true, warnings: [tooLittle(limit)] };
  const plain = { memory: need, recompute: false, warnings: [] };
  if (isElsewhere && setting === "auto") return { ...plain, recomputed: measure(true) };
  if (!isChecked || fitOf(plain.memory, limit) !== "no") return plain;
  const recomputed = measure(true);
  if (setting === "none" || recomputed.total >= plain.memory.total) return { ...plain, recomputed };
  return { memory: recomputed, recompute: true, warnings: [warning(plain.memory, recomputed, limit)] };
}

/** What the run needs without recomputation; undefined where `auto` must recompute because memory is not enough to measure it. */
function measurePlain(setting: MemoryChoice["setting"], measure: MemoryChoice["measure"]) {
  try {
    return measure(false);
  } catch (error) {
    if (setting === "auto" && error instanceof ScaloraError && error.code === "config") return undefined;
    throw error;
  }
}

const again = "its backward pass runs the model's blocks again (train.recompute: auto)";

const tooLittle = (limit: MemoryLimit) =>
  `${formatBytes(limit.bytes)} are not enough to measure the run without recomputation: ${again}; losses and gradients stay the same`;

const warning = (plain: MemoryNeed, recomputed: MemoryNeed, limit: MemoryLimit) =>
  `the run would take about ${formatBytes(plain.total)}, and there are ${formatBytes(limit.bytes)}: ${again}, which takes about ${formatBytes(recomputed.total)}, and longer; losses and gradients stay the same`;
