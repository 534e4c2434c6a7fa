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
import { ranksFromSingularValues, rankThreshold } from "./matrix-ranks.ts";

/** The leading singular values of a matrix. */
export interface Spectrum {
  /** Singular values in descending order. */
  readonly values: Float64Array;
  /** ‖·‖²_F: the sum of the squares of all singular values. */
  readonly energy: number;
  /** Whether `values` holds every singular value above the rank threshold. */
  readonly complete: boolean;
}

/** Matrices up to this side get a full decomposition, which takes milliseconds. */
const exactSvdMaxSide = 256;
/** Columns of the first and of the widest subspace; a higher rank is reported as a lower bound. */
const [minColumns, maxColumns] = [64, 512];
/** Oversampling columns and power iterations of the randomised subspace iteration. */
const [oversampling, powerIterations] = [16, 2];

/**
 * The singular values of a matrix above the rank threshold: exact for small matrices, for large ones by a randomised
 * subspace that grows until it contains them. Uses none of the run's generators.
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

/** At least the `count` leading singular values of a matrix, computed as in `significantSpectrum`. */
export function leadingSpectrum(matrix: Tensor, count: number): Spectrum {
  return withSubspaceSvd(matrix, (leading) => leading(2 * count + oversampling));
}

/** @param find gets a function that computes the leading values in a subspace of n columns, and the shorter side */
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
      // float32 products are twice as fast, and the threshold is far above their rounding errors.
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

/** The ranks of a spectrum; lower bounds when it is incomplete. */
export function spectrumRanks({ values, energy, complete }: Spectrum) {
  return { ...ranksFromSingularValues(values, energy), complete };
}

/** The fraction of the energy in the leading `count` directions. */
export function leadingEnergyFraction({ values, energy }: Spectrum, count: number): number {
  const leading = values.subarray(0, count).reduce((sum, value) => sum + value * value, 0);
  return energy === 0 ? 0 : Math.min(1, leading / energy);
}
