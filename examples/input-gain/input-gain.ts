// A method of one's own: a trained gain for each input of a layer. A recipe names this module in `plugins`.
import {
  adapterExportError,
  Bank,
  findLayers,
  groupIntoBanks,
  LayerAdapters,
  type LinearAdapter,
  type Method,
  resolveModulesToSave,
  type Trainable,
  targetFields,
  torch,
  z,
} from "scalora";

const schema = z.strictObject({
  method: z.literal("input-gain"),
  ratio: z.number().positive().default(1).meta({ description: "How many times train.lr the gains get" }),
  ...targetFields,
});

/** Gains g `[n]` of layers of equal weights `[m, n]`: `W′ = W · diag(1 + g)`. They start at 0. */
class GainBank extends Bank {
  override linearAdapter(index: number): LinearAdapter {
    const gain = this.leaf("gain", index);
    const scaled = (x: torch.Tensor) => torch.add(x, torch.mul(x, torch.toDType(gain, x.dtype)));
    return { forward: (x, base) => base.forwardBase(scaled(x)) };
  }

  override effectiveWeight(index: number, base: torch.Tensor): torch.Tensor {
    return torch.add(base, torch.mul(base, torch.toDType(this.leaf("gain", index), base.dtype)));
  }
}

/** What training, checkpoints and exports ask of the method; the rest is `LayerAdapters`'s. */
class InputGains extends LayerAdapters<GainBank> {
  ratio = 1;

  override trainables(): Trainable[] {
    return super.trainables().map((one) => ({ ...one, lrFactor: this.ratio }));
  }

  saveAdapter(): never {
    throw adapterExportError("no other tool reads gains of inputs");
  }
}

export const inputGain: Method<typeof schema> = {
  name: "input-gain",
  summary: "a trained gain for each input of a layer (examples/input-gain)",
  presetLr: 5e-3,
  schema,
  attach(model, options) {
    const saved = resolveModulesToSave(model, options.modulesToSave);
    const banks = groupIntoBanks(
      findLayers(model, options, saved),
      () => "",
      (name, layers) => new GainBank(name, layers, { gain: layers[0].linear.weight.shape.slice(1) }),
    );
    const adapters = new InputGains("input-gain", model, banks, saved);
    adapters.ratio = options.ratio;
    return adapters;
  },
};
