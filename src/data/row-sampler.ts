import { ScaloraError } from "../util/errors.ts";
import { Random } from "../util/random.ts";
import { deriveSeed } from "./hash.ts";

/**
 * The order of rows, epoch by epoch, as a pure function of the seed and of how many rows each source has given.
 * Rows are numbered through all sources.
 */
export class RowSampler {
  /** Rows of each source that is drawn from; one source for all files when there are no weights. */
  private readonly sizes: readonly number[];
  private readonly fractions: readonly number[];
  private readonly seed: number;
  private readonly total: number;

  constructor(sizes: readonly number[], weights: readonly number[] | undefined, seed: number) {
    this.total = sizes.reduce((sum, size) => sum + size, 0);
    this.sizes = weights === undefined ? [this.total] : sizes;
    this.fractions = normalizeWeights(weights ?? [1], this.sizes);
    this.seed = seed;
  }

  /** Rows drawn from each source before the first epoch. */
  initialCounts(): number[] {
    return this.sizes.map(() => 0);
  }

  /** Rows drawn from each source after one more epoch. */
  countsAfterEpoch(drawn: readonly number[]): number[] {
    const result = [...drawn];
    for (let i = 0; i < this.total; i++) result[this.nextSource(result)]++;
    return result;
  }

  /** The rows of the epoch that begins when `drawn` rows have been taken. [total] */
  sampleEpoch(drawn: readonly number[]): number[] {
    const taken = [...drawn];
    const firsts = this.sizes.map((_, i) => this.sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
    const passes: { pass: number; rows: number[] }[] = this.sizes.map(() => ({ pass: -1, rows: [] }));
    return Array.from({ length: this.total }, () => {
      const source = this.nextSource(taken);
      const size = this.sizes[source];
      const pass = Math.floor(taken[source] / size);
      if (passes[source].pass !== pass) passes[source] = { pass, rows: this.shuffle(source, pass) };
      return firsts[source] + passes[source].rows[taken[source]++ % size];
    });
  }

  /** The source that is furthest behind its share: proportions are exact to one row at any moment. */
  private nextSource(taken: readonly number[]): number {
    if (taken.length === 1) return 0;
    const next = taken.reduce((sum, count) => sum + count, 1);
    let best = 0;
    for (let i = 1; i < taken.length; i++)
      if (this.fractions[i] * next - taken[i] > this.fractions[best] * next - taken[best]) best = i;
    return best;
  }

  private shuffle(source: number, pass: number): number[] {
    const rows = Array.from({ length: this.sizes[source] }, (_, i) => i);
    return new Random(deriveSeed(this.seed, "rows", source, pass)).shuffled(rows);
  }
}

function normalizeWeights(weights: readonly number[], sizes: readonly number[]): number[] {
  const valid = weights.every((weight) => Number.isFinite(weight) && weight > 0);
  if (weights.length !== sizes.length || !valid)
    throw new ScaloraError("config", "Every file of a mix needs a weight above 0", {
      expected: `${sizes.length} positive numbers`,
      found: JSON.stringify(weights),
    });
  const empty = sizes.indexOf(0);
  if (empty >= 0 && sizes.length > 1)
    throw new ScaloraError("data", "A file of a weighted mix has no rows", { where: `file ${empty + 1}` });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
