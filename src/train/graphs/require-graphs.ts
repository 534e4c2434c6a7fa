import { isClassifier, type TrainableModel } from "../../nn/classifier.ts";
import { type CausalLM, deviceOf } from "../../nn/index.ts";
import { ScaloraError } from "../../util/errors.ts";

/**
 * The model, where its passes can be recorded as graphs of its device.
 * @param ranks processes that train together
 * @throws ScaloraError `config`
 */
export function requireGraphs(model: TrainableModel, ranks = 1): CausalLM {
  const device = deviceOf(model);
  if (device === "cpu" || device === "mps") throw graphsError("a GPU of NVIDIA's", `model.device: ${device}`);
  if (isClassifier(model)) throw graphsError("a decoder", "a classifier");
  if (ranks > 1) throw graphsError("one process", `${ranks} processes`);
  return model;
}

const graphsError = (expected: string, found: string) =>
  new ScaloraError("config", "No CUDA graphs can be recorded here", {
    where: "train.cudaGraphs",
    expected,
    found,
    fix: "leave train.cudaGraphs out",
  });
