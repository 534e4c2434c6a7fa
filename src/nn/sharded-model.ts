import type { Tensor } from "../torch/index.ts";
import { elementAt } from "../util/elements.ts";
import type { Module } from "./module.ts";
import { ShardedNf4Weight } from "./sharded-nf4.ts";
import { ShardedTensor } from "./sharded-tensor.ts";
import type { WeightSlices } from "./weight-shards.ts";

function shardedWeights(model: Module): WeightSlices[] {
  return [...model.namedModules()].flatMap(([, module]) =>
    module instanceof ShardedTensor || module instanceof ShardedNf4Weight ? [module] : [],
  );
}

/** Whether weights of a model are shared out between ranks. */
export const isSharded = (model: Module): boolean => shardedWeights(model).length > 0;

/**
 * Every parameter once, as `namedParameters` of the model that is not shared out gives them: weights that are, by what gathers
 * them into a tensor of the present scope.
 */
export function* wholeParameters(model: Module): Generator<[string, () => Tensor]> {
  const gathering = new Map<Tensor, () => Tensor>();
  for (const weight of shardedWeights(model))
    weight.slices().forEach((slice, index) => {
      gathering.set(slice, () => elementAt(weight.wholes(), index));
    });
  for (const [name, tensor] of model.namedParameters()) {
    const gather = gathering.get(tensor);
    yield gather ? [name.replace(/\.slice$/, ""), gather] : [name, () => tensor];
  }
}
