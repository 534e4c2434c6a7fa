import type { LinearAdapter } from "../../nn/index.ts";
import {
  add,
  clone,
  Generator,
  ifft2,
  mulScalar,
  narrow,
  normal_,
  randperm,
  real,
  reshape,
  scatterAdd_,
  scope,
  select,
  type Tensor,
  toDevice,
  toDType,
  zeros,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { Bank, type NamedLinear, type StackedParameter } from "../core/bank.ts";
import { forwardWithDelta } from "../core/dense-delta-forward.ts";

/** The sizes that all layers of one bank share. */
export interface SpectrumShape {
  readonly m: number;
  readonly n: number;
  /** How many coefficients are trained. */
  readonly frequencies: number;
  /** Factor of the inverse transform. */
  readonly scaling: number;
  /** Seed of the places of the coefficients. */
  readonly placeSeed: number;
}

/** Coefficients `[L, k]` of the spectra of L changes of equal shape; their places are drawn once for a shape. */
export class SpectrumBank extends Bank {
  readonly shape: SpectrumShape;
  readonly spectrum: StackedParameter;
  /** Places of the coefficients in the flattened spectrum, `[k]`. */
  private readonly places: Tensor;

  constructor(name: string, shape: SpectrumShape, layers: readonly NamedLinear[]) {
    super(name, layers, { spectrum: [shape.frequencies] });
    this.shape = shape;
    this.spectrum = this.stack("spectrum");
    this.places = placesOf(shape, elementAt(layers, 0).linear.weight.device);
  }

  /** Standard normal coefficients: PEFT's start. */
  draw(generator: Generator): void {
    normal_(this.spectrum.value, { generator });
  }

  override linearAdapter(index: number): LinearAdapter {
    const spectrum = this.leaf("spectrum", index);
    return { forward: (x, base) => forwardWithDelta(x, base, this.change(spectrum)) };
  }

  override effectiveWeight(index: number, base: Tensor): Tensor {
    return add(base, this.change(toDType(select(this.spectrum.value, 0, index), base.dtype)));
  }

  /** `scaling · Re(inverse transform of the spectrum)`, `[m, n]`. */
  private change(spectrum: Tensor): Tensor {
    const { m, n, scaling } = this.shape;
    const flat = zeros([m * n], { dtype: spectrum.dtype, device: spectrum.device });
    const dense = reshape(scatterAdd_(flat, 0, this.places, spectrum), [m, n]);
    return mulScalar(real(ifft2(dense)), scaling);
  }

  override dispose(): void {
    super.dispose();
    this.places.dispose();
  }
}

/** PEFT's places: the first k of a permutation of all entries, drawn on the CPU. */
function placesOf({ m, n, frequencies, placeSeed }: SpectrumShape, device: string): Tensor {
  using generator = new Generator(placeSeed, "cpu");
  return scope(() => {
    const places = clone(
      narrow(randperm(m * n, { generator, dtype: "int64", device: "cpu" }), 0, 0, frequencies),
    );
    return device === "cpu" ? places : toDevice(places, device, "int64");
  }).keep();
}
