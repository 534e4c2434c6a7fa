import { native } from "../native/load.js";
import { noGrad } from "./autograd.js";
import { Generator } from "./generator.js";
import { abs, fastLinear, matmul, max, randn, sub, toDType, transpose } from "./operators.generated.js";
import { scope } from "./scope.js";
import type { Tensor } from "./tensor.js";

/** Who computes fp32 matrix products on the CPU: libtorch's own choice (MKL), or oneDNN. */
export type GemmBackend = "aten" | "onednn";

/** What the probe measured for one backend. */
export interface GemmProbe {
  backend: GemmBackend;
  gigaflops: number;
  /** max|error| / max|result| against float64. */
  error: number;
}

const [rows, inner, columns] = [256, 512, 1024];
const rounds = 12;
/** Twice what MKL shows at this size is still fp32; TF32- or bf16-like arithmetic is a hundred times worse. */
const largestError = 4e-6;

/**
 * Times both backends for about 100 ms on a typical product, checks the error of each against float64, and uses the
 * faster one whose error is that of fp32 arithmetic. Never lowers the precision.
 */
export function chooseGemmBackend(): { chosen: GemmBackend; probes: GemmProbe[] } {
  const probes = noGrad(() => scope(probeBackends));
  const exact = probes.filter(({ error }) => error <= largestError);
  const [best] = (exact.length > 0 ? exact : probes.slice(0, 1)).sort((a, b) => b.gigaflops - a.gigaflops);
  useGemmBackend(best.backend);
  return { chosen: best.backend, probes };
}

/** Uses one backend, for example the one that an interrupted run used. */
export function useGemmBackend(backend: GemmBackend): void {
  native().setGemmBackend(backend);
}

/** The backends in turn, so that what else runs on the machine slows both; the fastest round of each counts. */
function probeBackends(): GemmProbe[] {
  using generator = new Generator(0);
  const x = randn([rows, inner], generator);
  const weight = randn([columns, inner], generator);
  const probes = (["aten", "onednn"] as const).map((backend) => {
    useGemmBackend(backend);
    return { backend, gigaflops: 0, error: errorOf(fastLinear(x, weight), x, weight) };
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

function errorOf(result: Tensor, x: Tensor, weight: Tensor): number {
  const exact = matmul(toDType(x, "float64"), transpose(toDType(weight, "float64"), 0, 1));
  return max(abs(sub(toDType(result, "float64"), exact))).item() / max(abs(exact)).item();
}
