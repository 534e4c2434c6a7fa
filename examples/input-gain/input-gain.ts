// A method of one's own: a trained gain for each input of a layer. A recipe names this module in `plugins`.
import {
  adapterSet,
  Bank,
  findLayers,
  groupIntoBanks,
  type LinearAdapter,
  type Method,
  resolveModulesToSave,
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

export const inputGain: Method<typeof schema> = {
  name: "input-gain",
  summary: "a trained gain for each input of a layer (examples/input-gain)",
  presetLr: 5e-3,
  schema,
  attach(model, options) {
    const modulesToSave = resolveModulesToSave(model, options.modulesToSave);
    const banks = groupIntoBanks(
      findLayers(model, options, modulesToSave),
      () => "",
      (name, layers) => new GainBank(name, layers, { gain: layers[0].linear.weight.shape.slice(1) }),
    );
    for (const { lrFactors } of banks) lrFactors["gain"] = options.ratio;
    // Passes compute with tensors only, so that recorded ones (train.cudaGraphs) can always be replayed.
    const hooks = { passKey: () => 0 };
    return adapterSet({ method: "input-gain", model, banks, modulesToSave, hooks });
  },
};
