import { elementAt } from "../util/elements.ts";
import { ScaloraError } from "../util/errors.ts";
import { Random } from "../util/random.ts";
import { deriveSeed } from "./derive-seed.ts";

/**
 * The order of rows, epoch by epoch: a pure function of the seed and of the number of rows drawn from each source. Row
 * indices run through all sources.
 */
export class RowSampler {
  /** Rows of each source; without weights all files are one source. */
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
    for (let i = 0; i < this.total; i++) this.take(result);
    return result;
  }

  /** Row indices of the epoch that begins after `drawn` rows. [total] */
  sampleEpoch(drawn: readonly number[]): number[] {
    const taken = [...drawn];
    const firsts = this.sizes.map((_, i) => this.sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
    const orders = new Map<number, { pass: number; rows: number[] }>();
    return Array.from({ length: this.total }, () => {
      const { source, count } = this.take(taken);
      const size = elementAt(this.sizes, source);
      const pass = Math.floor(count / size);
      let order = orders.get(source);
      if (order?.pass !== pass) order = { pass, rows: this.shuffle(source, pass) };
      orders.set(source, order);
      return elementAt(firsts, source) + elementAt(order.rows, count % size);
    });
  }

  /** Draws a row of the next source. @returns the source, and the rows drawn from it before */
  private take(taken: number[]): { source: number; count: number } {
    const source = this.nextSource(taken);
    const count = elementAt(taken, source);
    taken[source] = count + 1;
    return { source, count };
  }

  /** The source that is furthest behind its weight, so that proportions are always exact to one row. */
  private nextSource(taken: readonly number[]): number {
    if (taken.length === 1) return 0;
    const next = taken.reduce((sum, count) => sum + count, 1);
    let [furthest, most] = [0, Number.NEGATIVE_INFINITY];
    for (const [source, fraction] of this.fractions.entries()) {
      const behind = fraction * next - elementAt(taken, source);
      if (behind > most) [furthest, most] = [source, behind];
    }
    return furthest;
  }

  private shuffle(source: number, pass: number): number[] {
    const rows = Array.from({ length: elementAt(this.sizes, source) }, (_, i) => i);
    return new Random(deriveSeed(this.seed, "rows", source, pass)).shuffled(rows);
  }
}

function normalizeWeights(weights: readonly number[], sizes: readonly number[]): number[] {
  const valid = weights.every((weight) => Number.isFinite(weight) && weight > 0);
  if (weights.length !== sizes.length || !valid)
    throw new ScaloraError("config", "Every file of a mix needs a weight above 0", {
      expected: `${sizes.length} numbers above 0`,
      found: JSON.stringify(weights),
    });
  const empty = sizes.indexOf(0);
  if (empty >= 0 && sizes.length > 1)
    throw new ScaloraError("data", "A file of a weighted mix has no rows", { where: `file ${empty + 1}` });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
