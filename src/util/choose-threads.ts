import { ScaloraError } from "./errors.ts";
import { fittingThreads, type UsableCores, usableCores } from "./usable-cores.ts";

/** How libtorch's threads are set in this process, and why. */
export interface ThreadSettings {
  /** The variable that the user has set for the number of threads; undefined when it was chosen. */
  readonly countBy: string | undefined;
  /** The number in it. */
  readonly asked: number | undefined;
  /** The variable that the user has set for how threads wait; undefined when that was chosen. */
  readonly waitBy: string | undefined;
  readonly usable: UsableCores;
}

const countVariables = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"];
const waitVariables = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"];

/**
 * Chooses how many threads compute, and lets them sleep while they wait for each other: by default they spin, and where others
 * need the cores that takes most of a step. The OpenMP runtime reads the variables when libtorch is loaded, so this is for
 * before; the thread pool is one for all, our own operators' and oneDNN's too. What the user has set stays.
 * @param env gets the variables; that of the process, for them to count
 * @throws ScaloraError `config` for a number of threads that is none: the OpenMP runtime would go on without it
 */
export function chooseThreads(env: NodeJS.ProcessEnv, usable = usableCores()): ThreadSettings {
  const countBy = countVariables.find((name) => env[name]);
  const waitBy = waitVariables.find((name) => env[name]);
  if (countBy === undefined) env["OMP_NUM_THREADS"] = `${fittingThreads(usable)}`;
  else checkCount(countBy, env[countBy] ?? "");
  if (waitBy === undefined) env["OMP_WAIT_POLICY"] = "passive";
  return { countBy, asked: countBy === undefined ? undefined : Number(env[countBy]), waitBy, usable };
}

/** A list has one number for each level of nested parallelism, of which libtorch has one. */
function checkCount(variable: string, value: string): void {
  if (/^\s*\+?0*[1-9]\d*\s*(,.*)?$/.test(value)) return;
  throw new ScaloraError("config", "That is no number of threads", {
    where: `the environment variable ${variable}`,
    expected: "a whole number above 0",
    found: value,
    fix: "unset it to use one thread for each core",
  });
}
