import { z } from "zod";
import { noGrad } from "./autograd.ts";
import { type GemmBackend, gemmBackends, useGemmBackend } from "./gemm-backend.ts";
import { Generator } from "./generator.ts";
import { abs, fastLinear, matmul, max, sub, toDType, transpose } from "./operators.generated.ts";
import { type Speedup, type TimedPair, timePair } from "./paired-timing.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import {
  busyThreads,
  clocks,
  columns,
  draw,
  inner,
  rowsOfAllThreads,
  rowsOfThread,
} from "./typical-product.ts";

const ofBoth = z.object({ aten: z.number(), onednn: z.number() });

/** Schema of verdicts in files. */
export const verdictSchema = z.object({
  backend: z.enum(gemmBackends),
  /** max|error| / max|result| against float64. */
  errors: ofBoth,
  /** Nothing where the errors decide. */
  timing: z
    .object({
      /** GFLOP/s, medians. */
      rates: ofBoth,
      /** How many times as fast oneDNN is: the median of pairs of products, and its 99 % interval. */
      speedup: z.object({ low: z.number(), median: z.number(), high: z.number() }),
    })
    .optional(),
});

/** The better backend of a machine, and the measurements behind it. */
export type GemmVerdict = z.infer<typeof verdictSchema>;

/** Twice MKL's error at this size; TF32- or bf16-like arithmetic is a hundred times worse. */
const maxRelativeError = 4e-6;
/**
 * oneDNN is chosen when it is surely faster than by the first, aten when oneDNN is surely not faster than by the second: where both
 * are about equally fast noise would decide, and the last bits of results differ between machines of the same kind.
 */
const [minSpeedup, clearSpeedup] = [1.02, 1.1];

/** The backend that the errors decide on; undefined when both compute as exactly as fp32 does. */
export function exacterBackend({ aten, onednn }: GemmVerdict["errors"]): GemmBackend | undefined {
  if (onednn > maxRelativeError) return "aten";
  return aten > maxRelativeError ? "onednn" : undefined;
}

/** The backend that a speedup of oneDNN decides on; undefined when it is not known well enough. */
export function fasterBackend({ low, high }: Speedup): GemmBackend | undefined {
  if (low > minSpeedup) return "onednn";
  return high < clearSpeedup ? "aten" : undefined;
}

/**
 * Checks the error of both backends against float64, and times them on a typical product: a tenth of a second on an idle
 * machine, about a second on a busy one. oneDNN is better where it is clearly faster and its error is that of fp32 arithmetic;
 * speed never costs precision. Afterwards libtorch's own backend is in use.
 * @param clock another one for tests
 * @returns undefined when the machine is too busy to tell
 */
export function measureGemmBackends(clock: TimedPair["clock"] = clocks): GemmVerdict | undefined {
  try {
    return noGrad(() => scope(() => measure(clock)));
  } finally {
    useGemmBackend("aten");
  }
}

function measure(clock: TimedPair["clock"]): GemmVerdict | undefined {
  using generator = new Generator(0, "cpu");
  const weight = draw([columns, inner], generator);
  const errors = measureErrors(draw([rowsOfThread, inner], generator), weight);
  const exacter = exacterBackend(errors);
  if (exacter !== undefined) return { backend: exacter, errors };
  const rows = rowsOfAllThreads();
  const x = draw([rows, inner], generator);
  const multiply = (name: GemmBackend) => () => {
    useGemmBackend(name);
    scope(() => void fastLinear(x, weight));
  };
  const timing = timePair(
    { first: multiply("aten"), second: multiply("onednn"), threads: busyThreads(), clock },
    (speedup) => fasterBackend(speedup) !== undefined,
  );
  const backend = timing && fasterBackend(timing.speedup);
  if (timing === undefined || backend === undefined) return undefined;
  const { speedup, milliseconds } = timing;
  const rate = (ms: number) => (2 * rows * inner * columns) / ms / 1e6;
  const rates = { aten: rate(milliseconds.first), onednn: rate(milliseconds.second) };
  return { backend, errors, timing: { rates, speedup } };
}

function measureErrors(x: Tensor, weight: Tensor): GemmVerdict["errors"] {
  const exact = matmul(toDType(x, "float64"), transpose(toDType(weight, "float64"), 0, 1));
  const error = (name: GemmBackend) => {
    useGemmBackend(name);
    const result = toDType(fastLinear(x, weight), "float64");
    return max(abs(sub(result, exact))).item() / max(abs(exact)).item();
  };
  return { aten: error("aten"), onednn: error("onednn") };
}
