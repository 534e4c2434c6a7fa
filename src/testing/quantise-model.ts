import { Linear, LMHead, type Module, type Nf4Codebook, Nf4Weight, nf4Codebook } from "../nn/index.ts";

/** Quantises a model's linear layers to NF4, except the output layer. */
export function quantiseLinearLayers<M extends Module>(model: M): M {
  let codebook: Nf4Codebook | undefined;
  for (const [, module] of [...model.namedModules()]) {
    if (!(module instanceof Linear) || module instanceof LMHead) continue;
    const dense = module.plainWeight();
    codebook ??= nf4Codebook(dense.device);
    module.weight = new Nf4Weight(dense, codebook);
    dense.dispose();
  }
  return model;
}
