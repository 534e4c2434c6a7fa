import {
  addScalar,
  arange,
  cat,
  ceil,
  clamp,
  clampMin,
  div,
  divScalar,
  flip,
  full,
  indexSelect,
  leScalar,
  log,
  mulScalar,
  narrow,
  neg,
  reshape,
  sub,
  type Tensor,
  toDevice,
  toDType,
  unsqueeze,
  where,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import type { DebertaConfig } from "./config.ts";

/** The rows of the relative position table that a forward pass needs. */
export interface RelativePositions {
  /** First used row of the table, and number of used rows. */
  readonly first: number;
  readonly count: number;
  /** By length of a sequence: the used row of each query and key. int64 `[length, length]` */
  readonly rows: ReadonlyMap<number, Tensor>;
}

/**
 * Relative positions for sequences of the given lengths. Distances up to half the buckets have a bucket each, larger ones
 * share logarithmic buckets, computed in fp32 as in transformers (`make_log_bucket_position`).
 */
export function relativePositions(
  config: DebertaConfig,
  lengths: readonly number[],
  device: string,
): RelativePositions {
  const longest = Math.max(...lengths);
  const span = config.buckets > 0 ? config.buckets : config.maxDistance;
  const ahead = logBucketPositions(config, longest);
  const farthest = Math.min(span, elementAt(ahead.toFloats(), longest - 1));
  const first = span - farthest;
  const last = Math.min(span + farthest, 2 * span - 1);
  const both = cat([neg(flip(narrow(ahead, 0, 1, longest - 1), [0])), ahead]);
  const onHost = addScalar(clamp(addScalar(both, span), { min: 0, max: 2 * span - 1 }), -first);
  const byDistance = toDevice(onHost, device, "int64");
  const rowsOf = (length: number) => {
    const places = arange(0, length, { dtype: "int64", device });
    const distance = sub(unsqueeze(places, 1), unsqueeze(places, 0));
    return gatherRows(byDistance, addScalar(distance, longest - 1));
  };
  const rows = new Map([...new Set(lengths)].map((length) => [length, rowsOf(length)]));
  return { first, count: last - first + 1, rows };
}

function gatherRows(table: Tensor, index: Tensor): Tensor {
  return reshape(indexSelect(table, 0, reshape(index, [-1])), index.shape);
}

/** The bucket of each distance from 0 to `longest` − 1. int64 `[longest]`, on the CPU */
function logBucketPositions({ buckets, maxDistance }: DebertaConfig, longest: number): Tensor {
  const distance = arange(0, longest, { dtype: "int64", device: "cpu" });
  if (buckets === 0) return distance;
  const middle = Math.floor(buckets / 2);
  const scale = log(full([1], (maxDistance - 1) / middle, { dtype: "float32", device: "cpu" }));
  const ratio = divScalar(toDType(clampMin(distance, middle - 1), "float32"), middle);
  const far = addScalar(ceil(mulScalar(div(log(ratio), scale), middle - 1)), middle);
  return where(leScalar(distance, middle), distance, toDType(far, "int64"));
}
