import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { manifestPath } from "../setup/manifest.ts";
import { cacheFolder } from "../setup/paths.ts";
import { reportActivity } from "../util/activity.ts";
import { ScaloraError } from "../util/errors.ts";
import { writeFileOnce } from "../util/files.ts";
import { type GemmBackend, gemmBackends, useGemmBackend } from "./gemm-backend.ts";
import { type GemmVerdict, measureGemmBackends, verdictSchema } from "./gemm-verdict.ts";
import { processor } from "./processor.ts";
import { cpuCapability, hasOneDnn, threads } from "./system.ts";

/** A backend, what chose it, and the measurements behind it. */
export interface GemmChoice {
  readonly chosen: GemmBackend;
  /**
   * `unsure`: the machine is too busy to be measured, so it is libtorch's own for this time. `absence`: libtorch has no other
   * here.
   */
  readonly by: "environment" | "measurement" | "unsure" | "absence";
  readonly verdict?: GemmVerdict;
}

/** Where this machine's verdict is kept, and the choice that is made without a measurement, if there is one. */
export interface GemmLookup {
  readonly file: string;
  readonly choice?: GemmChoice;
}

const keptFile = z.object({ verdict: verdictSchema });

/** The places without a verdict, as the machine was too busy: what one process computes has one backend. */
const withoutVerdict = new Set<string>();

/**
 * Chooses the backend and uses it from now on. Two measurements can disagree, and then so do the last bits of all results: so
 * each machine measures once, and the verdict is kept in scalora's cache folder, for each processor, number of threads and
 * version of libtorch and scalora's native code. A machine that is too busy for a verdict uses libtorch's own backend
 * until the process ends, and the next process measures again. The environment variable `SCALORA_GEMM_BACKEND` (`aten` or `onednn`) makes the choice instead, and
 * nothing is measured.
 * @param env of the variable and the cache folder
 * @param measure finds the verdict where the machine has none
 * @param hasBoth whether libtorch has both backends
 * @returns the backend now in use
 * @throws ScaloraError `config` when the variable holds anything else, or a backend that libtorch does not have
 */
export function chooseGemmBackend(
  env: NodeJS.ProcessEnv = process.env,
  measure: () => GemmVerdict | undefined = measureGemmBackends,
  hasBoth = hasOneDnn(),
): GemmChoice {
  const choice = lookUpGemmBackend(env, hasBoth).choice ?? measureOnce(env, measure);
  useGemmBackend(choice.chosen);
  return choice;
}

/**
 * The choice that `chooseGemmBackend` would make, if it needs no measurement; changes nothing.
 * @throws ScaloraError `config` as `chooseGemmBackend`
 */
export function lookUpGemmBackend(env: NodeJS.ProcessEnv = process.env, hasBoth = hasOneDnn()): GemmLookup {
  const { file } = keptPlace(env);
  const pinned = pinnedBackend(env, hasBoth);
  if (!hasBoth) return { file, choice: { chosen: "aten", by: "absence" } };
  if (pinned !== undefined) return { file, choice: { chosen: pinned, by: "environment" } };
  const verdict = readVerdict(file);
  return verdict === undefined ? { file } : { file, choice: measured(verdict) };
}

const measured = (verdict: GemmVerdict): GemmChoice => ({
  chosen: verdict.backend,
  by: "measurement",
  verdict,
});

/** Measures, and keeps a verdict if the cache folder can be written. */
function measureOnce(env: NodeJS.ProcessEnv, measure: () => GemmVerdict | undefined): GemmChoice {
  reportActivity({ what: "measuring which matrix products are faster here, once for this machine" });
  const { file, machine } = keptPlace(env);
  const verdict = withoutVerdict.has(file) ? undefined : measure();
  if (verdict === undefined) {
    withoutVerdict.add(file);
    return { chosen: "aten", by: "unsure" };
  }
  try {
    const text = JSON.stringify({ machine, verdict }, undefined, 2);
    writeFileOnce(file, `${text}\n`, () => readVerdict(file) !== undefined);
  } catch {
    // Without a cache folder each start measures.
  }
  // Another process may have been first.
  return measured(readVerdict(file) ?? verdict);
}

/** What a verdict depends on, and its file, which is named by that. */
function keptPlace(env: NodeJS.ProcessEnv) {
  const machine = {
    processor: processor().name,
    vectorInstructions: cpuCapability(),
    threads: threads(),
    engine: basename(manifestPath({ env }), ".json"),
  };
  const name = createHash("sha256").update(JSON.stringify(machine)).digest("hex").slice(0, 20);
  return { machine, file: join(cacheFolder(env), "gemm-backend", `${name}.json`) };
}

function readVerdict(file: string): GemmVerdict | undefined {
  try {
    return keptFile.parse(JSON.parse(readFileSync(file, "utf8"))).verdict;
  } catch {
    return undefined;
  }
}

function pinnedBackend(
  { SCALORA_GEMM_BACKEND: value }: NodeJS.ProcessEnv,
  hasBoth: boolean,
): GemmBackend | undefined {
  if (!value) return undefined;
  const backend = gemmBackends.find((name) => name === value);
  if (backend === "onednn" && !hasBoth) {
    throw new ScaloraError("config", "This libtorch does not have the GEMM backend", {
      where: "the environment variable SCALORA_GEMM_BACKEND",
      expected: "aten, the only one for this system",
      found: value,
      fix: "unset it",
    });
  }
  if (backend) return backend;
  throw new ScaloraError("config", "There is no such GEMM backend", {
    where: "the environment variable SCALORA_GEMM_BACKEND",
    expected: gemmBackends.join(" or "),
    found: value,
    fix: "unset it to use the faster one, found by a short measurement",
  });
}
