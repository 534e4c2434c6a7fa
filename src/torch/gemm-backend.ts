import { native } from "../native/load.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { noGrad } from "./autograd.ts";
import { fastLinear, ones } from "./operators.generated.ts";
import { scope } from "./scope.ts";

/** The names of the backends. */
export const gemmBackends = ["aten", "onednn"] as const;

/** Backend of fp32 matrix products on the CPU: libtorch's own choice (MKL), or oneDNN. */
export type GemmBackend = (typeof gemmBackends)[number];

/** Uses one backend from now on. */
export function useGemmBackend(backend: GemmBackend): void {
  native().setGemmBackend(backend);
}

/**
 * Uses the backend that somebody asks for, such as a recipe or an interrupted run; another would change results.
 * @param where the caller, for messages
 * @param tryProduct fails when the backend in use does not work
 * @throws ScaloraError `config` when this libtorch does not have it
 */
export function requireGemmBackend(backend: GemmBackend, where: string, tryProduct = multiplyOnce): void {
  useGemmBackend(backend);
  if (backend === "aten") return;
  try {
    tryProduct();
  } catch (cause) {
    useGemmBackend("aten");
    throw new ScaloraError("config", "This libtorch does not have the GEMM backend", {
      where,
      expected: backend,
      found: messageOf(cause),
      fix: "use the machine or the libtorch that has it (`npx scalora doctor` shows this one), or start a new run with model.gemmBackend: aten",
      cause,
    });
  }
}

function multiplyOnce(): void {
  noGrad(() =>
    scope(() => {
      const x = ones([256, 512], { device: "cpu" });
      fastLinear(x, ones([1024, 512], { device: "cpu" }));
    }),
  );
}
