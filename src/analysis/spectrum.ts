import { randomisedRangeFinder } from "../adapters/core/truncated-svd.ts";
import {
  linalgSvdvals,
  linalgVectorNorm,
  matmul,
  noGrad,
  scope,
  type Tensor,
  toDType,
  transpose,
} from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import { ranksFromSingularValues, rankThreshold } from "./change-rank.ts";

/** Singular values of a matrix, as far as they were looked for. */
export interface Spectrum {
  /** The largest ones, the largest first. */
  readonly values: Float64Array;
  /** ‖·‖²_F: the sum of the squares of all of them. */
  readonly energy: number;
  /** Whether no singular value above the threshold of the rank is missing. */
  readonly complete: boolean;
}

/** Up to this side all singular values are found, in milliseconds. */
const exactSvdMaxSide = 256;
/** Columns of the first subspace; those of the widest, beyond which a rank is only known to be at least that. */
const [minColumns, maxColumns] = [64, 512];
/** Columns beside those that are trusted, and rounds of the subspace iteration. */
const [oversampling, powerIterations] = [16, 2];

/**
 * The singular values of a matrix down to the threshold of the rank: exact for small ones, of large ones by a randomised
 * subspace that grows until it holds them. Draws nothing from any generator of a run.
 */
export function significantSpectrum(matrix: Tensor): Spectrum {
  return withSubspaceSvd(matrix, (leading, side) => {
    for (let columns = minColumns; columns < side; columns *= 2) {
      const spectrum = leading(columns);
      if (spectrum.complete || columns >= maxColumns) return spectrum;
    }
    return leading(side);
  });
}

/** The `count` leading singular values of a matrix, and some more; exact for small ones, found as `spectrumOf` does. */
export function leadingSpectrum(matrix: Tensor, count: number): Spectrum {
  return withSubspaceSvd(matrix, (leading) => leading(2 * count + oversampling));
}

/** @param find gets what finds the leading values within a subspace of so many columns, and the shorter side */
function withSubspaceSvd(
  matrix: Tensor,
  find: (leading: (columns: number) => Spectrum, side: number) => Spectrum,
): Spectrum {
  return noGrad(() =>
    scope(() => {
      const side = Math.min(...matrix.shape);
      const energy = linalgVectorNorm(matrix, { dtype: "float64" }).item() ** 2;
      const whole = () => linalgSvdvals(toDType(matrix, "float64")).toFloats();
      if (side <= exactSvdMaxSide) return { values: whole(), energy, complete: true };
      // The threshold is far above float32's rounding, in which the products are twice as fast.
      const single = toDType(matrix, "float32");
      const leading = (columns: number): Spectrum => {
        if (columns >= side) return { values: whole(), energy, complete: true };
        const values = scope(() => {
          const basis = randomisedRangeFinder(single, columns, powerIterations);
          return linalgSvdvals(matmul(transpose(basis, 0, 1), single)).toFloats();
        }).slice(0, -oversampling);
        const [largest, least] = [elementAt(values, 0), elementAt(values, values.length - 1)];
        return { values, energy, complete: least <= rankThreshold * largest };
      };
      return find(leading, side);
    }),
  );
}

/** The ranks of a spectrum; where it is not complete, the least that they can be. */
export function spectrumRanks({ values, energy, complete }: Spectrum) {
  return { ...ranksFromSingularValues(values, energy), complete };
}

/** The share of the energy in the leading `count` directions. */
export function leadingEnergyFraction({ values, energy }: Spectrum, count: number): number {
  const leading = values.subarray(0, count).reduce((sum, value) => sum + value * value, 0);
  return energy === 0 ? 0 : Math.min(1, leading / energy);
}
