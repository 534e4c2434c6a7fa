import { noGrad } from "./autograd.ts";
import { Generator } from "./generator.ts";
import { fastLinear, toDType } from "./operators.generated.ts";
import { type Speedup, timePair } from "./paired-timing.ts";
import { scope } from "./scope.ts";
import type { Tensor } from "./tensor.ts";
import { busyThreads, clocks, columns, draw, inner, rowsOfAllThreads } from "./typical-product.ts";

/**
 * How many times as fast the CPU multiplies in bfloat16 as in float32 with the backend in use, as far as a tenth of a second on
 * an idle machine tells, or a second on a busy one. Processors with instructions for it differ: on some they are twice as fast,
 * on some half as fast.
 * @param clock another one for tests
 * @returns undefined when it cannot be told which is faster: they are alike, or the machine is too busy
 */
export function measureBfloat16(clock = clocks): Speedup | undefined {
  return noGrad(() =>
    scope(() => {
      using generator = new Generator(0, "cpu");
      const x = draw([rowsOfAllThreads(), inner], generator);
      const weight = draw([columns, inner], generator);
      const multiply = (left: Tensor, right: Tensor) => () => scope(() => void fastLinear(left, right));
      const narrow = [toDType(x, "bfloat16"), toDType(weight, "bfloat16")] as const;
      return timePair(
        { first: multiply(x, weight), second: multiply(...narrow), threads: busyThreads(), clock },
        ({ low, high }) => low > 1 || high < 1,
      )?.speedup;
    }),
  );
}
