import type { z } from "zod";
import type { Module } from "../../nn/index.ts";
import {
  copy_,
  expand,
  Generator,
  matmul,
  mean,
  mulScalar,
  noGrad,
  normal_,
  scope,
  type Tensor,
  toDType,
  transpose,
  zero_,
} from "../../torch/index.ts";
import { elementAt, zip } from "../../util/elements.ts";
import { internalError } from "../../util/errors.ts";
import { isRecord, type Json } from "../../util/json.ts";
import type { EventReport, Moments, StepContext, Trainable } from "../core/adapter-set.ts";
import { type BankShape, LowRankBank, type NamedLinear } from "../core/bank.ts";
import { truncationReport } from "../core/frozen-delta-base.ts";
import { adapterSet, type MethodHooks } from "../core/layer-adapters.ts";
import { type LowRankAdapters, lowRankParts, lowRankPlan } from "../core/low-rank-adapters.ts";
import {
  keyOfMerges,
  type MergingBanks,
  makeMergingBanks,
  seedAfter,
  startsInterval,
} from "../core/merging-adapters.ts";
import type { AttachContext } from "../core/method.ts";
import { writeLora } from "../peft/lora-format.ts";
import { saveMergingAdapter } from "../peft/save-merging-adapter.ts";
import type { floraSchema } from "./options.ts";

type FloraOptions = z.output<typeof floraSchema>;

/** Factors of which A is trained and B is the random projection, entries N(0, 1/r). */
class ProjectedBank extends LowRankBank {
  constructor(name: string, shape: BankShape, layers: readonly NamedLinear[]) {
    super(name, shape, layers);
    for (const { B } of this.leaves) B.setRequiresGrad(false);
  }

  override trainables(): Trainable[] {
    return super.trainables().filter(({ value }) => value === this.A);
  }

  override buffers(): Map<string, Tensor> {
    return new Map([["B", this.B]]);
  }
}

/** New projections every κ steps: the base absorbs A Bᵀ. */
class Projections implements Partial<MethodHooks> {
  private readonly factors: MergingBanks<ProjectedBank>;
  private readonly interval: number;
  private readonly seed: number;
  private projections = 0;
  /** Shares of energy that the bases truncated at the last projection. */
  private cuts: readonly number[] = [];

  constructor(factors: MergingBanks<ProjectedBank>, { interval }: FloraOptions, seed: number) {
    this.factors = factors;
    this.interval = interval;
    this.seed = seed;
    this.project();
  }

  /** Draws every B from the seed and the number of projections so far. */
  private project(): void {
    const { banks } = this.factors;
    using generator = new Generator(seedAfter(this.seed, this.projections), elementAt(banks, 0).B.device);
    noGrad(() => {
      for (const { B, shape } of banks) normal_(B, { std: 1 / Math.sqrt(shape.rank), generator });
    });
  }

  beforeForward(step: StepContext): void {
    if (!startsInterval(step, this.interval)) return;
    const { banks, bases } = this.factors;
    noGrad(() =>
      scope(() => {
        this.cuts = zip(banks, bases).flatMap(([{ A, B }, base]) => base.merge(A, B) ?? []);
        for (const { A } of banks) zero_(A);
        const before = banks.map(({ B }) => toDType(B, B.dtype, { copy: true }));
        this.projections++;
        this.project();
        banks.forEach((bank, index) => {
          const moments = step.moments(`${bank.name}.A`);
          if (moments) moveMoments(moments, elementAt(before, index), bank);
        });
      }),
    );
  }

  beforeClip(step: StepContext): EventReport | undefined {
    if (!startsInterval(step, this.interval)) return undefined;
    return {
      projection: this.projections,
      layers: this.factors.banks.flatMap((bank) => bank.layers).length,
      ...truncationReport(this.cuts),
    };
  }

  passKey(): number {
    return keyOfMerges(this.factors, this.projections);
  }

  counters(): Json {
    return { projections: this.projections };
  }

  loadCounters(counters: Json): void {
    if (!isRecord(counters)) throw internalError("the counters of Flora are not what it saved");
    this.projections = Number(counters["projections"]);
  }
}

/**
 * Transfers the momentum to the new projection: M Bᵀ B′, as in the paper. Its noise makes it √(n/r) times as long, which Adam's
 * second moments do not account for. So with Adam, M is first scaled by r/n, the part that M Bᵀ holds of the gradient, and the
 * second moments become the means of their rows, since all new directions are equally likely.
 */
function moveMoments({ expAvg, expAvgSq }: Moments, before: Tensor, { B, shape }: LowRankBank): void {
  const { n, rank } = shape;
  const moved = matmul(expAvg, matmul(transpose(before, 1, 2), B));
  copy_(expAvg, expAvgSq ? mulScalar(moved, rank / n) : moved);
  if (expAvgSq) copy_(expAvgSq, expand(mean(expAvgSq, { dim: [2], keepdim: true }), expAvgSq.shape));
}

/**
 * Flora (arXiv 2402.03293): full matrices trained with gradient and momentum kept as their projections `G B`, B random with
 * E[B Bᵀ] = I and new every κ steps, when the momentum M becomes M Bᵀ B′ of the new B′. `W + A Bᵀ` with A trained from 0 is
 * the same: the gradient of A is G B without forming G, and an optimiser's step of A is decompressed in the forward pass.
 * The base absorbs A Bᵀ at each new projection.
 */
export function attachFlora(
  model: Module,
  options: FloraOptions,
  { seed }: AttachContext,
): LowRankAdapters<ProjectedBank> {
  const plan = lowRankPlan(model, options);
  const factors = makeMergingBanks(model, plan, ProjectedBank, options);
  return adapterSet({
    method: "flora",
    ...lowRankParts(model, plan, factors.banks),
    bases: factors.bases,
    hooks: new Projections(factors, options, seed),
    saveAdapter: saveMergingAdapter,
    saveOnChangedBase: writeLora,
  });
}
