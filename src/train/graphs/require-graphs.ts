import type { AdapterSet } from "../../adapters/core/adapter-set.ts";
import { naming } from "../../adapters/core/name-method.ts";
import { isClassifier, type TrainableModel } from "../../nn/classifier.ts";
import { type CausalLM, deviceOf } from "../../nn/index.ts";
import * as torch from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import { shapeFor } from "./batch-shape.ts";
import { flashAttentionOnly, PassByLengths, StaticInputs } from "./static-inputs.ts";

/**
 * The model, where its passes can be recorded as graphs of its device.
 * @param ranks processes that train together
 * @throws ScaloraError `config`
 */
export function requireGraphs(model: TrainableModel, ranks = 1): CausalLM {
  const device = deviceOf(model);
  if (device === "cpu" || device === "mps")
    throw graphsError({ expected: "a GPU of NVIDIA's", found: `model.device: ${device}` });
  if (isClassifier(model)) throw graphsError({ expected: "a decoder", found: "a classifier" });
  if (ranks > 1) throw graphsError({ expected: "one process", found: `${ranks} processes` });
  requireFixedPasses(model);
  return model;
}

/**
 * Refuses a method that does not say what its passes depend on.
 * @throws ScaloraError `config`
 */
export function requirePassKey(adapters: AdapterSet): void {
  const { method } = adapters;
  const key: unknown = naming(method, "passKey()", () => adapters.passKey?.());
  if (typeof key === "string" || typeof key === "number" || typeof key === "boolean") return;
  throw graphsError({
    expected: "a passKey() that is a string, a number or a boolean: what the method's passes depend on",
    found: key === undefined ? `method ${method} without one` : `an ${typeof key} of method ${method}`,
    fix: "give its hooks a passKey (docs/adapters.md, A method of your own), or leave train.cudaGraphs out",
  });
}

const twoSequences = {
  tokens: Int32Array.of(0, 0, 0),
  offsets: [0, 1, 3],
  labelPositions: Int32Array.of(0),
  labelTargets: Int32Array.of(0),
};

/** Tries a pass of three tokens, since only the model's layers know what they go by. */
function requireFixedPasses(model: CausalLM): void {
  using inputs = new StaticInputs(shapeFor(twoSequences), deviceOf(model));
  inputs.fill(twoSequences, 1);
  try {
    torch.noGrad(() => torch.scope(() => void model.hiddenStates(inputs.stream(undefined, true).stream)));
  } catch (error) {
    if (!(error instanceof PassByLengths)) throw error;
    throw graphsError({
      expected: flashAttentionOnly,
      found: `a model in ${model.info.dtype} whose passes go by the lengths of a batch's sequences`,
    });
  }
}

const graphsError = ({
  expected,
  found,
  fix = "leave train.cudaGraphs out",
}: Record<"expected" | "found", string> & { fix?: string }) =>
  new ScaloraError("config", "No CUDA graphs can be recorded here", {
    where: "train.cudaGraphs",
    expected,
    found,
    fix,
  });
