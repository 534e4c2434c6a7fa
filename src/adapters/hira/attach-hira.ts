import type { LinearAdapter, Module } from "../../nn/index.ts";
import { add, matmul, mul, type Tensor, toDType, transpose } from "../../torch/index.ts";
import { disposeOnError } from "../../util/dispose-on-error.ts";
import { elementAt } from "../../util/elements.ts";
import { LowRankBank } from "../core/bank.ts";
import { forwardWithDelta } from "../core/dense-delta-forward.ts";
import { adapterSet } from "../core/layer-adapters.ts";
import {
  type LowRankAdapters,
  type LowRankTarget,
  lowRankParts,
  lowRankPlan,
  makeBanks,
} from "../core/low-rank-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { initialiseBanks } from "../lora/attach-lora.ts";
import type { RankOptions, StartOptions } from "../options/fields.ts";
import { factorRank } from "../peft/check-peft-layer.ts";
import { loadPeftWeights, readPlan } from "../peft/load-adapter.ts";
import { loraLayerConfigs } from "../peft/lora-format.ts";
import type { PeftFormat } from "../peft/peft-format.ts";
import { folderTensors, fullyTrainedModulesOf, withPattern, writePeft } from "../peft/save-adapter.ts";

const [downName, upName] = [".hira_A", ".hira_B"];

/** PEFT's HiRA folders: `hira_A` is our Bᵀ, `hira_B` our A. */
const hiraFormat: PeftFormat<HiraBank, LowRankTarget> = {
  supported: { peft_type: ["HIRA"] },
  suffixes: [downName, upName],
  target: (found) => {
    const { path, linear } = found;
    return { path, linear, rank: factorRank(found, downName, upName), scale: 1 };
  },
  parts: (bank) => [
    { stack: bank.stack("B"), transposed: true },
    { stack: bank.stack("A"), transposed: false },
  ],
};

/** Factors of a change `W ∘ (A Bᵀ)`. */
class HiraBank extends LowRankBank {
  override linearAdapter(index: number): LinearAdapter {
    const { A, B } = elementAt(this.leaves, index);
    return {
      forward: (x, base) => {
        const factor = matmul(A, transpose(B, 0, 1));
        return forwardWithDelta(x, base, mul(toDType(base.denseWeight(), factor.dtype), factor));
      },
    };
  }

  override effectiveWeight(index: number, base: Tensor): Tensor {
    return add(base, mul(base, this.product(index, base.dtype)));
  }

  /** W ∘ G: the gradient of A·Bᵀ. */
  override gradientOfFactors(index: number, gradient: Tensor): Tensor {
    return mul(toDType(elementAt(this.layers, index).linear.denseWeight(), gradient.dtype), gradient);
  }
}

/** Writes the factors and saved modules as a PEFT HiRA folder. */
function writeHira(folder: string, adapters: LowRankAdapters<HiraBank>, baseModel: string): void {
  const layers = loraLayerConfigs(adapters);
  const { common, pattern } = withPattern(layers.map(({ path, rank }) => [path, rank]));
  const config = {
    peft_type: "HIRA",
    r: common,
    rank_pattern: pattern,
    target_modules: layers.map(({ path }) => path),
    hira_dropout: 0,
    fan_in_fan_out: false,
    init_weights: true,
  };
  writePeft(folder, folderTensors(adapters, hiraFormat), config, baseModel, fullyTrainedModulesOf(adapters));
}

/** HiRA (Huang et al., ICLR 2025): `W + W ∘ (A Bᵀ)` on a frozen W. Its rank is that of W, whatever that of the factors. */
export function attachHira(
  model: Module,
  options: RankOptions & StartOptions,
  { seed }: AttachContext,
): LowRankAdapters<HiraBank> {
  const { from, init } = options;
  const plan = from === undefined ? lowRankPlan(model, options) : readPlan(from, model, hiraFormat);
  const banks = makeBanks(plan, HiraBank);
  const parts = lowRankParts(model, plan, banks);
  const adapters = adapterSet({ method: "hira", ...parts, saveAdapter: writeHira });
  disposeOnError([adapters], () => {
    if (from === undefined) initialiseBanks(banks, init, seed);
    else loadPeftWeights(from, adapters, hiraFormat);
  });
  return adapters;
}
