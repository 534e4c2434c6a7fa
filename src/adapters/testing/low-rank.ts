import { LayerAdapters } from "../core/layer-adapters.ts";
import type { LowRankAdapters } from "../core/low-rank-adapters.ts";

const isLowRank = (adapters: object): adapters is LowRankAdapters =>
  adapters instanceof LayerAdapters && adapters.lowRank !== undefined;

/** The adapters of a method of two factors, with their banks. */
export function requireLowRank(adapters: object): LowRankAdapters {
  if (!isLowRank(adapters)) throw new Error("not an adapter of two factors");
  return adapters;
}
