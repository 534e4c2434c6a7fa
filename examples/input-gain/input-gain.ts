// A method of one's own: a trained gain for each input of a layer. A recipe names this module in `plugins`.
import {
  adapterExportError,
  Bank,
  findLayers,
  groupIntoBanks,
  LayerAdapters,
  type LinearAdapter,
  type Method,
  type NamedLinear,
  resolveModulesToSave,
  StackedParameter,
  targetFields,
  torch,
  z,
} from "scalora";

const schema = z.strictObject({
  method: z.literal("input-gain"),
  ...targetFields,
  start: z.number().default(0).meta({ description: "What every gain starts at" }),
});

/** Gains g `[L, n]` of L layers of equal weights `[m, n]`: `W′ = W · diag(1 + g)`. */
class GainBank extends Bank {
  readonly gain: StackedParameter;

  constructor(name: string, layers: readonly [NamedLinear, ...NamedLinear[]]) {
    const gain = new StackedParameter(layers, layers[0].linear.weight.shape.slice(1));
    super(name, layers, { gain });
    this.gain = gain;
  }

  override linearAdapter(index: number): LinearAdapter {
    const gain = this.gain.leaf(index);
    return { forward: (x, base) => base.forwardBase(torch.add(x, torch.mul(x, torch.toDType(gain, x.dtype)))) };
  }

  override effectiveWeight(index: number, base: torch.Tensor): torch.Tensor {
    const gain = torch.toDType(torch.select(this.gain.value, 0, index), base.dtype);
    return torch.add(base, torch.mul(base, gain));
  }
}
