import { deriveSeed } from "../data/derive-seed.ts";
import { bernoulli_, Generator, noGrad, scope, type Tensor, zeros } from "../torch/index.ts";

/** Bits of the seed that a step draws. */
const seedBits = 48;

/**
 * The dropout masks of one step. A step of one micro-batch draws them from the run's generator. Of several, each micro-batch has
 * a generator of its own, seeded by its number and by what the step drew from the run's, so that any process can compute any
 * of them, in any order, and the run's generator is in the same state everywhere afterwards. Owns tensors of the present scope.
 */
export class StepDropout {
  private readonly run: Generator | undefined;
  private readonly seed: number | undefined;
  private readonly before: Tensor | undefined;

  /**
   * @param run the run's generator; without it there is no dropout
   * @param microBatches of the step, over all processes
   * @param repeats whether `rewind` will be called
   */
  constructor(run: Generator | undefined, microBatches: number, repeats: boolean) {
    this.run = run;
    this.before = repeats ? run?.state() : undefined;
    this.seed = run && microBatches > 1 ? drawSeed(run) : undefined;
  }

  /** Lets a micro-batch draw its masks. @param index of the micro-batch in the step */
  draw<T>(index: number, compute: (generator: Generator | undefined) => T): T {
    const { run, seed } = this;
    if (run === undefined || seed === undefined) return compute(run);
    using own = new Generator(deriveSeed(seed, index), run.device);
    return compute(own);
  }

  /** After this, micro-batches that are computed again, in the same order, have the masks that they had. */
  rewind(): void {
    if (this.before && this.seed === undefined) this.run?.setState(this.before);
  }
}

function drawSeed(generator: Generator): number {
  const { device } = generator;
  const bits = noGrad(() =>
    scope(() => bernoulli_(zeros([seedBits], { device }), { p: 0.5, generator }).toFloats()),
  );
  return bits.reduce((seed, bit) => 2 * seed + bit, 0);
}
