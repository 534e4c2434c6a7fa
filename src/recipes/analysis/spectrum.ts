import { subspaceSvd } from "../../adapters/core/triplets.js";
import { linalgSvdvals, linalgVectorNorm, noGrad, scope, type Tensor, toDType } from "../../torch/index.js";
import { ranksOf, threshold } from "../rank.js";

/** Singular values of a matrix, as far as they were looked for. */
export interface Spectrum {
  /** The largest ones, the largest first. */
  readonly values: Float64Array;
  /** ‖·‖²_F: the sum of the squares of all of them. */
  readonly energy: number;
  /** Whether no singular value above the threshold of the rank is missing. */
  readonly complete: boolean;
}

/** Up to this side all singular values are found, in well under a second. */
const smallSide = 256;
/** Columns of the first subspace; those of the widest, beyond which a rank is only known to be at least that. */
const [narrowest, widest] = [64, 512];
/** Columns beside those that are trusted, and rounds of the subspace iteration. */
const [spare, rounds] = [16, 2];

/**
 * The leading singular values of a matrix, down to the threshold of the rank: exact for small ones, of large ones by a
 * randomised subspace that grows until it holds them. Draws nothing from any generator of a run.
 * @param least how many are needed, whatever their size
 */
export function spectrumOf(matrix: Tensor, least = 0): Spectrum {
  return noGrad(() =>
    scope(() => {
      const wide = toDType(matrix, "float64");
      const energy = linalgVectorNorm(wide).item() ** 2;
      const side = Math.min(...wide.shape);
      const start = Math.max(narrowest, least + spare);
      for (let columns = start; side > smallSide && columns < side; columns *= 2) {
        const values = scope(() => subspaceSvd(wide, columns, rounds)[1].toFloats()).slice(0, -spare);
        const complete = values[values.length - 1] <= threshold * values[0];
        if (complete || columns >= widest) return { values, energy, complete };
      }
      return { values: linalgSvdvals(wide).toFloats(), energy, complete: true };
    }),
  );
}

/** The ranks of a spectrum; where it is not complete, the least that they can be. */
export function spectrumRanks({ values, energy, complete }: Spectrum) {
  return { ...ranksOf(values, energy), complete };
}

/** The share of the energy in the leading `count` directions. */
export function leadingShare({ values, energy }: Spectrum, count: number): number {
  const leading = values.subarray(0, count).reduce((sum, value) => sum + value * value, 0);
  return energy === 0 ? 0 : Math.min(1, leading / energy);
}
