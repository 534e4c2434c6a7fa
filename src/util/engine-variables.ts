import { chooseThreads } from "./choose-threads.ts";

/**
 * Sizes of the caches in which oneDNN and its wrapper in libtorch keep a kernel for each shape of a product. Their default of
 * 1024 makes a run in bfloat16 grow with every new number of tokens in a batch, to 1 GiB for a tiny model.
 */
const kernelCacheLimits = ["LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"] as const;

/**
 * Sets the variables that libtorch and its OpenMP runtime read when they are loaded: how many threads compute and how they wait,
 * and the sizes of caches. What the user has set stays.
 * @param env gets them; only that of the process, in its main thread, counts
 * @throws ScaloraError `config` for a number of threads that is none
 */
export function setEngineVariables(env: NodeJS.ProcessEnv): void {
  for (const name of kernelCacheLimits) env[name] ??= "64";
  chooseThreads(env);
}
