import { usableCores } from "../util/usable-cores.ts";
import type { Generator } from "./generator.ts";
import { randn } from "./operators.generated.ts";
import type { TimedPair } from "./paired-timing.ts";
import { threads } from "./system.ts";
import type { Tensor } from "./tensor.ts";

/** The shape of the weight of a typical product, transposed. */
export const [columns, inner] = [1024, 512];
export const rowsOfThread = 256;
/** More of them would measure the memory. */
const mostRows = 4096;

/** So many rows of input that every thread has its part. */
export const rowsOfAllThreads = (): number => Math.min(mostRows, rowsOfThread * threads());

/** Random numbers on the CPU, float32. */
export const draw = (shape: readonly number[], generator: Generator): Tensor =>
  randn([...shape], { generator, device: "cpu" });

/** Threads that a product keeps busy: more than processors, or than a container's limit, do not all run at a time. */
export function busyThreads(): number {
  const { processors, quota = processors } = usableCores();
  return Math.min(threads(), processors, quota);
}

/** Wall time, and CPU time of this process, in milliseconds. */
export const clocks: TimedPair["clock"] = () => {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
};
