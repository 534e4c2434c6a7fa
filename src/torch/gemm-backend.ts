import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { native } from "../native/load.ts";
import { manifestPath } from "../setup/manifest.ts";
import { cacheFolder } from "../setup/paths.ts";
import { mapTuple } from "../util/elements.ts";
import { messageOf, ScaloraError } from "../util/errors.ts";
import { writeFileOnce } from "../util/files.ts";
import { noGrad } from "./autograd.ts";
import { Generator } from "./generator.ts";
import { abs, fastLinear, matmul, max, ones, randn, sub, toDType, transpose } from "./operators.generated.ts";
import { scope } from "./scope.ts";
import { cpuCapability, threads } from "./system.ts";
import type { Tensor } from "./tensor.ts";

/** The names of the backends. */
export const gemmBackends = ["aten", "onednn"] as const;

/** Backend of fp32 matrix products on the CPU: libtorch's own choice (MKL), or oneDNN. */
export type GemmBackend = (typeof gemmBackends)[number];

/** Measurements of one backend. */
export interface GemmProbe {
  backend: GemmBackend;
  gigaflops: number;
  /** max|error| / max|result| against float64. */
  error: number;
}

const keptChoice = z.looseObject({ backend: z.enum(gemmBackends) });

const [rows, inner, columns] = [256, 512, 1024];
const rounds = 12;
/** Twice MKL's error at this size; TF32- or bf16-like arithmetic is a hundred times worse. */
const maxRelativeError = 4e-6;

/**
 * Least speedup at which oneDNN is chosen. Where both are about equally fast, noise must not decide: results of the same
 * command would differ in their last bits from run to run.
 */
const minSpeedup = 1.1;

/** A choice, and the measurements behind it: none where it was given, or made before. */
export interface GemmChoice {
  chosen: GemmBackend;
  probes: readonly GemmProbe[];
}

/**
 * Times both backends for about 100 ms on a typical product, checks the error of each against float64, and chooses oneDNN
 * where it is clearly faster and its error is that of fp32 arithmetic. Never lowers the precision.
 */
export function measureGemmBackends(): GemmChoice {
  const probes = noGrad(() => scope(probeBackends));
  return { chosen: fasterBackend(probes), probes };
}

/**
 * Chooses the backend and uses it from now on. Two measurements can disagree, and then so do the last bits of all results: so
 * each machine measures once, and the choice is kept in scalora's cache folder, for each processor, number of threads and
 * version of libtorch and scalora's native code. The environment variable `SCALORA_GEMM_BACKEND` (`aten` or `onednn`) makes
 * the choice instead, and nothing is measured.
 * @param env of the variable and the cache folder
 * @param measure makes the choice where the machine has none
 * @returns the backend now in use, and what was measured just now
 * @throws ScaloraError `config` when the variable holds anything else
 */
export function chooseGemmBackend(
  env: NodeJS.ProcessEnv = process.env,
  measure: () => GemmChoice = measureGemmBackends,
): GemmChoice {
  const pinned = pinnedBackend(env);
  const choice = pinned === undefined ? keepMachineChoice(env, measure) : { chosen: pinned, probes: [] };
  useGemmBackend(choice.chosen);
  return choice;
}

/** The kept choice of this machine; where there is none, it is made and kept, if the cache folder can be written. */
function keepMachineChoice(env: NodeJS.ProcessEnv, measure: () => GemmChoice): GemmChoice {
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    vectorInstructions: cpuCapability(),
    threads: threads(),
    engine: basename(manifestPath({ env }), ".json"),
  };
  const name = createHash("sha256").update(JSON.stringify(machine)).digest("hex").slice(0, 20);
  const file = join(cacheFolder(env), "gemm-backend", `${name}.json`);
  const kept = readChoice(file);
  if (kept !== undefined) return { chosen: kept, probes: [] };
  const choice = measure();
  try {
    const text = JSON.stringify({ backend: choice.chosen, machine, probes: choice.probes }, undefined, 2);
    writeFileOnce(file, `${text}\n`, () => readChoice(file) !== undefined);
  } catch {
    // Without a cache folder each start measures.
  }
  // Another process may have been first.
  return { ...choice, chosen: readChoice(file) ?? choice.chosen };
}

function readChoice(file: string): GemmBackend | undefined {
  try {
    return keptChoice.parse(JSON.parse(readFileSync(file, "utf8"))).backend;
  } catch {
    return undefined;
  }
}

function pinnedBackend({ SCALORA_GEMM_BACKEND: value }: NodeJS.ProcessEnv): GemmBackend | undefined {
  if (!value) return undefined;
  const backend = gemmBackends.find((name) => name === value);
  if (backend) return backend;
  throw new ScaloraError("config", "There is no such GEMM backend", {
    where: "the environment variable SCALORA_GEMM_BACKEND",
    expected: gemmBackends.join(" or "),
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
      const x = ones([rows, inner], { device: "cpu" });
      fastLinear(x, ones([columns, inner], { device: "cpu" }));
    }),
  );
}

/** Alternates between the backends, so that other load on the machine slows both; the fastest round of each counts. */
function probeBackends(): [aten: GemmProbe, onednn: GemmProbe] {
  using generator = new Generator(0, "cpu");
  const x = randn([rows, inner], { generator, device: "cpu" });
  const weight = randn([columns, inner], { generator, device: "cpu" });
  const probes = mapTuple(gemmBackends, (backend) => {
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
