import { Linear, LMHead, type Module, type Nf4Codebook, Nf4Weight, nf4Codebook } from "../nn/index.ts";

/** Puts the weights of a model's linear layers, but for an output layer's, into NF4. */
export function quantiseLinearLayers<M extends Module>(model: M): M {
  let codebook: Nf4Codebook | undefined;
  for (const [, module] of [...model.namedModules()]) {
    if (!(module instanceof Linear) || module instanceof LMHead) continue;
    const dense = module.unquantisedWeight();
    codebook ??= nf4Codebook(dense.device);
    module.weight = new Nf4Weight(dense, codebook);
    dense.dispose();
  }
  return model;
}
