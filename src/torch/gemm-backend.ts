import { native } from "../native/load.ts";
import { mapTuple } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { noGrad } from "./autograd.ts";
import { Generator } from "./generator.ts";
import { abs, fastLinear, matmul, max, randn, sub, toDType, transpose } from "./operators.generated.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";

const backends = ["aten", "onednn"] as const;

/** Backend of fp32 matrix products on the CPU: libtorch's own choice (MKL), or oneDNN. */
export type GemmBackend = (typeof backends)[number];

/** Measurements of one backend. */
export interface GemmProbe {
  backend: GemmBackend;
  gigaflops: number;
  /** max|error| / max|result| against float64. */
  error: number;
}

const [rows, inner, columns] = [256, 512, 1024];
const rounds = 12;
/** Twice MKL's error at this size; TF32- or bf16-like arithmetic is a hundred times worse. */
const maxRelativeError = 4e-6;

/**
 * Least speedup at which oneDNN is chosen. Where both are about equally fast, noise must not decide: results of the same
 * command would differ in their last bits from run to run.
 */
const minSpeedup = 1.1;

/**
 * Times both backends for about 100 ms on a typical product, checks the error of each against float64, and uses oneDNN where
 * it is clearly faster and its error is that of fp32 arithmetic. Never lowers the precision. The environment variable
 * `SCALORA_GEMM_BACKEND` (`aten` or `onednn`) makes the choice instead, and nothing is timed.
 * @returns the backend now in use, and the measurements (none if the variable is set)
 * @throws ScaloraError `config` if the variable has another value
 */
export function chooseGemmBackend(env: NodeJS.ProcessEnv = process.env): {
  chosen: GemmBackend;
  probes: readonly GemmProbe[];
} {
  const pinned = pinnedBackend(env);
  if (pinned !== undefined) {
    useGemmBackend(pinned);
    return { chosen: pinned, probes: [] };
  }
  const probes = noGrad(() => scope(probeBackends));
  const chosen = fasterBackend(probes);
  useGemmBackend(chosen);
  return { chosen, probes };
}

function pinnedBackend({ SCALORA_GEMM_BACKEND: value }: NodeJS.ProcessEnv): GemmBackend | undefined {
  if (!value) return undefined;
  const backend = backends.find((name) => name === value);
  if (backend) return backend;
  throw new ScaloraError("config", "There is no such GEMM backend", {
    where: "the environment variable SCALORA_GEMM_BACKEND",
    expected: backends.join(" or "),
    found: value,
    fix: "unset it to use the faster one, found by a short measurement",
  });
}

/** @param probes of libtorch's own choice, then of oneDNN */
export function fasterBackend([aten, onednn]: readonly [GemmProbe, GemmProbe]): GemmBackend {
  if (onednn.error > maxRelativeError) return "aten";
  const isWrong = aten.error > maxRelativeError;
  return isWrong || onednn.gigaflops > minSpeedup * aten.gigaflops ? "onednn" : "aten";
}

/** Uses one backend, for example the one that an interrupted run used. */
export function useGemmBackend(backend: GemmBackend): void {
  native().setGemmBackend(backend);
}

/** Alternates between the backends, so that other load on the machine slows both; the fastest round of each counts. */
function probeBackends(): [aten: GemmProbe, onednn: GemmProbe] {
  using generator = new Generator(0, "cpu");
  const x = randn([rows, inner], { generator, device: "cpu" });
  const weight = randn([columns, inner], { generator, device: "cpu" });
  const probes = mapTuple(backends, (backend) => {
    useGemmBackend(backend);
    return { backend, gigaflops: 0, error: relativeError(fastLinear(x, weight), x, weight) };
  });
  for (let round = 0; round < rounds; round++) {
    for (const probe of probes) {
      useGemmBackend(probe.backend);
      const start = performance.now();
      scope(() => void fastLinear(x, weight));
      const gigaflops = (2 * rows * inner * columns) / (performance.now() - start) / 1e6;
      probe.gigaflops = Math.max(probe.gigaflops, gigaflops);
    }
  }
  return probes;
}

function relativeError(result: Tensor, x: Tensor, weight: Tensor): number {
  const exact = matmul(toDType(x, "float64"), transpose(toDType(weight, "float64"), 0, 1));
  return max(abs(sub(toDType(result, "float64"), exact))).item() / max(abs(exact)).item();
}
