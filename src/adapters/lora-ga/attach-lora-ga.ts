import type { z } from "zod";
import type { Linear, Module } from "../../nn/index.ts";
import {
  copy_,
  detach,
  fastLinear,
  linalgVectorNorm,
  matmul,
  mulScalar,
  narrow,
  noGrad,
  scope,
  select,
  type Tensor,
  toDType,
  transpose,
  zerosLike,
} from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { internalError, ScaloraError } from "../../util/errors.ts";
import { isRecord, type Json } from "../../util/json.ts";
import type { EventReport } from "../core/adapter-set.ts";
import { adapterSet, type MethodHooks } from "../core/layer-adapters.ts";
import { type LowRankAdapters, lowRankParts, makeBanks } from "../core/low-rank-adapters.ts";
import { truncatedSvd } from "../core/truncated-svd.ts";
import { planOf } from "../lora/attach-lora.ts";
import { NonZeroInitBank, writeNonZeroInit } from "../non-zero-init/non-zero-init-bank.ts";
import type { loraGaSchema } from "./options.ts";

/** A base weight during the first step: a separate leaf on the same memory, so that no other module adds to its gradient. */
interface Watched {
  readonly linear: Linear;
  readonly weight: Tensor;
}

/** The first step: the base alone computes, and the factors start from the gradients of its weights. */
class GradientStart implements Partial<MethodHooks> {
  private readonly banks: readonly NonZeroInitBank[];
  private readonly size: (m: number) => number;
  private hasBegun = false;
  private watchedLayers: Watched[][] = [];

  constructor(banks: readonly NonZeroInitBank[], gamma: number) {
    this.banks = banks;
    this.size = (m) => m ** 0.25 / Math.sqrt(gamma);
  }

  beforeForward(): void {
    if (this.hasBegun) return;
    this.release();
    this.watchedLayers = this.banks.map(({ layers }) => layers.map(({ linear }) => watch(linear)));
  }

  watched(): Tensor[] {
    return this.watchedLayers.flat().map(({ weight }) => weight);
  }

  beforeClip(): EventReport | undefined {
    if (this.hasBegun) return undefined;
    noGrad(() => {
      this.banks.forEach((bank, at) => {
        bank.layers.forEach((_, index) => {
          scope(() => this.beginLayer(bank, index, elementAt(elementAt(this.watchedLayers, at), index)));
        });
      });
    });
    this.release();
    for (const bank of this.banks) bank.install();
    this.hasBegun = true;
    return { start: "gradient", layers: this.banks.flatMap(({ layers }) => layers).length };
  }

  private beginLayer(bank: NonZeroInitBank, index: number, { weight }: Watched): void {
    const { m, rank, scale } = bank.shape;
    const gradient = toDType(weight.grad ?? missing(), "float64");
    if (!Number.isFinite(linalgVectorNorm(gradient).item()))
      throw new ScaloraError("run", "The gradient that the factors are to start from is not finite", {
        where: elementAt(bank.layers, index).path,
        fix: "look at the rows of the first batch, or use model.dtype: float32",
      });
    const { left, right } = truncatedSvd(gradient, 2 * rank);
    const size = this.size(m);
    const A = mulScalar(narrow(left, 1, rank, rank), size);
    const B = mulScalar(narrow(right, 1, 0, rank), size);
    bank.begin(index, A, B);
    copy_(select(bank.gradA, 0, index), mulScalar(matmul(gradient, B), scale));
    copy_(select(bank.gradB, 0, index), mulScalar(matmul(transpose(gradient, 0, 1), A), scale));
  }

  private release(): void {
    for (const { weight } of this.watchedLayers.flat()) weight.dispose();
    this.watchedLayers = [];
  }

  /** The base alone computes until the factors have begun. */
  passKey(): boolean {
    return this.hasBegun;
  }

  counters(): Json {
    return { hasBegun: this.hasBegun };
  }

  loadCounters(counters: Json): void {
    if (!isRecord(counters)) throw internalError("the counters of LoRA-GA are not what it saved");
    this.hasBegun = counters["hasBegun"] === true;
  }

  dispose(): void {
    this.release();
  }
}

function missing(): never {
  throw internalError("a watched weight has no gradient");
}

/** Lets a layer compute without its adapter, which is 0 so far, and collect the gradient of its weight. */
function watch(linear: Linear): Watched {
  const weight = noGrad(() => detach(linear.plainWeight()))
    .keep()
    .setRequiresGrad(true);
  using zero = zerosLike(weight);
  weight.setGrad(zero);
  linear.adapter = { forward: (x, { bias }) => fastLinear(x, weight, { bias }) };
  return { linear, weight };
}

/**
 * LoRA-GA (arXiv 2407.05000): LoRA whose first step moves the weight as full fine-tuning would. The gradient is that of the
 * first step's own batches, run on the base alone. Its singular vectors 1…r become B and r+1…2r become A, each of length
 * m^¼/√γ; a frozen delta next to W cancels them; then the step continues with the gradients of the new factors, which are 0
 * until then.
 */
export function attachLoraGa(
  model: Module,
  options: z.output<typeof loraGaSchema>,
): LowRankAdapters<NonZeroInitBank> {
  const plan = planOf(model, options);
  for (const { path, linear, rank } of plan.targets) {
    const most = Math.floor(Math.min(...linear.weight.shape) / 2);
    if (rank <= most) continue;
    throw new ScaloraError("config", `Rank ${rank} needs ${2 * rank} singular vectors of the gradient`, {
      where: path,
      expected: `a rank of at most ${most}, for a weight of shape [${linear.weight.shape.join(", ")}]`,
      fix: "lower adapter.rank, or give the layer its own rank in adapter.rankPattern",
    });
  }
  const banks = makeBanks(plan, NonZeroInitBank);
  return adapterSet({
    method: "lora-ga",
    ...lowRankParts(model, plan, banks),
    hooks: new GradientStart(banks, options.gamma),
    saveAdapter: writeNonZeroInit,
  });
}
