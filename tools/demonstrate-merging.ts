// Why a base that rounds to bfloat16 at every merge loses ScaLoRA, and what `base: split` and `base: factored` keep of it.
//   npm run tool tools/demonstrate-merging.ts
//
// One linear layer W of 256 × 256 learns a target W* = W + Δ, where every direction of Δ counts the same and ‖Δ‖ is a few
// percent of ‖W‖, or less: what fine-tuning changes. ScaLoRA of rank 8 runs its own event and optimiser over each way to
// store W; the loss is ‖W_eff − W*‖² / ‖Δ‖², so no training is 1.
import { LowRankBank } from "../src/adapters/core/bank.ts";
import { type BaseStore, ExactBase, SplitBase } from "../src/adapters/core/base-store.ts";
import { FrozenDeltaBase } from "../src/adapters/core/frozen-delta-base.ts";
import { scalingEvent } from "../src/adapters/scalora/event.ts";
import { Linear } from "../src/nn/index.ts";
import { AdamW, makeSchedule } from "../src/optim/index.ts";
import * as torch from "../src/torch/index.ts";
import { elementAt, mapTuple } from "../src/util/elements.ts";

const [size, rank, scale, batch, steps, interval, lr] = [256, 8, 2, 128, 400, 1, 1e-3];
/** The merge whose size is measured: one in the middle. */
const sampled = Math.ceil(steps / interval / 2);
const changes = [0.02, 0.005];

type Tensor = torch.Tensor;

/** What `base` refuses: W in bfloat16, rounded to the nearest at every merge. */
class RoundedBase implements BaseStore {
  private readonly weights: Tensor;

  constructor({ layers }: LowRankBank) {
    this.weights = elementAt(layers, 0).linear.plainWeight();
  }

  merge(left: Tensor, right: Tensor): undefined {
    torch.noGrad(() =>
      torch.scope(() => {
        const [A, B] = mapTuple([left, right], (stack) => torch.select(stack, 0, 0));
        torch.copy_(this.weights, torch.addmm_(this.weight(), A, torch.transpose(B, 0, 1)));
      }),
    );
  }

  isLossy(): boolean {
    return true;
  }

  weight(): Tensor {
    return torch.toDType(this.weights, "float32", { copy: true });
  }

  state(): Map<string, Tensor> {
    return new Map([["base", this.weights]]);
  }

  dispose(): void {}

  [Symbol.dispose](): void {}
}

interface Way {
  readonly name: string;
  readonly dtype: "float32" | "bfloat16";
  readonly store: (bank: LowRankBank) => BaseStore;
  /** Whether there are events; without them this is LoRA. */
  readonly events: boolean;
}

const exact = ({ layers }: LowRankBank) => new ExactBase(layers);
const ways: readonly Way[] = [
  { name: "LoRA, nothing merged", dtype: "float32", store: exact, events: false },
  { name: "base: exact (float32)", dtype: "float32", store: exact, events: true },
  {
    name: "base: split (bfloat16 + 16 bits)",
    dtype: "bfloat16",
    store: ({ layers }) => new SplitBase(layers),
    events: true,
  },
  ...[128, 64, 32].map(
    (baseRank): Way => ({
      name: `base: factored, R = ${baseRank}`,
      dtype: "bfloat16",
      store: ({ layers }) => new FrozenDeltaBase(layers, baseRank),
      events: true,
    }),
  ),
  {
    name: "bfloat16, rounded at each merge",
    dtype: "bfloat16",
    store: (bank) => new RoundedBase(bank),
    events: true,
  },
];

interface Outcome {
  /** Of the weight that the forward pass sees. */
  readonly seen: number;
  /** Of the weight as it is stored. */
  readonly stored: number;
  /** Of the stored weight after an export to bfloat16. */
  readonly exported: number;
  /** Share of all that was merged which is in the stored weight. */
  readonly kept: number;
  /** Median size of one merge's change of a number, in half units of its last bfloat16 place. */
  readonly merge: number;
}

/** W, exact in bfloat16, and Δ with ‖Δ‖ = `change`·‖W‖: both random, so that no direction is special. */
function problem(change: number): { W: Tensor; target: Tensor } {
  using generator = new torch.Generator(1, "cpu");
  return torch.scope(() => {
    const draw = () => torch.mulScalar(torch.randn([size, size], { generator, device: "cpu" }), size ** -0.5);
    const W = torch.toDType(torch.toDType(draw(), "bfloat16"), "float32");
    return { W, target: torch.add(W, draw(), { alpha: change }) };
  });
}

/** Trains one way; the course of data is the same for all. */
function run({ dtype, store, events }: Way, change: number): Outcome {
  const { W, target } = problem(change);
  const linear = new Linear(torch.toDType(W, dtype, { copy: true }).keep());
  const bank = new LowRankBank("layer", { m: size, n: size, rank, scale }, [{ path: "layer", linear }]);
  bank.install();
  const base = store(bank);
  using generator = new torch.Generator(2, "cpu");
  torch.uniform_(bank.B, { from: -(size ** -0.5), to: size ** -0.5, generator });
  const optimizer = new AdamW(bank.trainables());
  const schedule = makeSchedule({ name: "linear", lr, steps });
  const momentsOf = (side: "A" | "B") => optimizer.moments(`layer.${side}`) ?? fail();
  const intended = torch.zeros([size, size], { device: "cpu" }).keep();
  let [merge, merges] = [0, 0];
  const recording: BaseStore = Object.assign(Object.create(base), {
    merge: (left: Tensor, right: Tensor) =>
      torch.scope(() => {
        const one = torch.matmul(torch.select(left, 0, 0), torch.transpose(torch.select(right, 0, 0), 0, 1));
        torch.add_(intended, one);
        if (++merges === sampled) merge = relativeToHalfUnit(one, linear.plainWeight());
        return base.merge(left, right);
      }),
  });
  for (let step = 1; step <= steps; step++)
    torch.scope(() => {
      setGradients(bank, seenBy(base, linear), target, generator);
      if (events && step > 1 && (step - 2) % interval === 0)
        scalingEvent(
          bank,
          recording,
          { A: momentsOf("A"), B: momentsOf("B") },
          {
            policy: "default",
            moments: "transfer",
            scale: { columnNorm: 0.05 },
            peakLr: lr,
            elapsed: interval,
            threshold: 1,
          },
        );
      optimizer.step(schedule.lrAt(step));
      bank.zeroGrad();
    });
  const outcome = torch.scope(() => {
    const low = torch.matmul(torch.select(bank.A, 0, 0), torch.transpose(torch.select(bank.B, 0, 0), 0, 1));
    const loss = (weight: Tensor) => share(torch.sub(weight, target), torch.sub(W, target)) ** 2;
    const effective = (weight: Tensor) => torch.add(torch.toDType(weight, "float32"), low, { alpha: scale });
    const stored = effective(base.weight(0));
    return {
      seen: loss(effective(seenBy(base, linear))),
      stored: loss(stored),
      exported: loss(torch.toDType(torch.toDType(stored, "bfloat16"), "float32")),
      kept: events ? kept(torch.sub(base.weight(0), W), intended) : Number.NaN,
      merge: events ? merge : Number.NaN,
    };
  });
  for (const thing of [optimizer, bank, linear, base, intended, W, target]) thing.dispose();
  return outcome;
}

/** The weight that the forward pass computes with. */
const seenBy = (base: BaseStore, linear: Linear) =>
  base instanceof FrozenDeltaBase ? torch.toDType(base.weight(0), "float32") : linear.plainWeight();

function fail(): never {
  throw new Error("the optimiser has no moments");
}

/** gradA = s·G·B and gradB = s·Gᵀ·A, where G is the gradient of ½‖(W_eff − W*)X‖²/batch over fresh inputs X. */
function setGradients(bank: LowRankBank, weight: Tensor, target: Tensor, generator: torch.Generator): void {
  const [A, B, gradA, gradB] = mapTuple([bank.A, bank.B, bank.gradA, bank.gradB], (t) =>
    torch.select(t, 0, 0),
  );
  const x = torch.randn([size, batch], { generator, device: "cpu" });
  const low = torch.matmul(A, torch.matmul(torch.transpose(B, 0, 1), x));
  const error = torch.add(torch.matmul(torch.sub(torch.toDType(weight, "float32"), target), x), low, {
    alpha: scale,
  });
  const G = torch.divScalar(torch.matmul(error, torch.transpose(x, 0, 1)), batch);
  torch.copy_(gradA, torch.mulScalar(torch.matmul(G, B), scale));
  torch.copy_(gradB, torch.mulScalar(torch.matmul(torch.transpose(G, 0, 1), A), scale));
}

const norm = (x: Tensor) => torch.linalgVectorNorm(x).item();
const share = (part: Tensor, whole: Tensor) => norm(part) / norm(whole);

/** ⟨stored, intended⟩ / ‖intended‖² */
function kept(stored: Tensor, intended: Tensor): number {
  return torch.sum(torch.mul(stored, intended)).item() / norm(intended) ** 2;
}

/** The median of |change| over half a bfloat16 unit in the last place (2⁻⁸ of the power of two below the number). */
function relativeToHalfUnit(change: Tensor, weight: Tensor): number {
  const weights = weight.toFloats();
  const ratios = change.toFloats().map((x, i) => {
    const exponent = Math.floor(Math.log2(Math.abs(elementAt(weights, i)) || Number.MIN_VALUE));
    return Math.abs(x) / 2 ** (exponent - 8);
  });
  return elementAt(ratios.sort(), ratios.length >> 1);
}

const cell = (value: number) => (Number.isNaN(value) ? "–" : value.toFixed(3)).padStart(9);

torch.setThreads(1);
torch.keepFreedMemory();
console.log(`${steps} steps of AdamW, rank ${rank}, a scaling event at each; loss 1 is no training`);
for (const change of changes) {
  console.log(`\nchange to learn: ${change * 100} % of ‖W‖`);
  console.log(`${"".padEnd(34)}  loss as     loss as     exported     merged      one merge`);
  console.log(`${"".padEnd(34)}  forward     stored      to bf16      and kept    / half unit`);
  for (const way of ways) {
    const { seen, stored, exported, kept: left, merge } = run(way, change);
    console.log(`${way.name.padEnd(34)}${[seen, stored, exported, left, merge].map(cell).join("   ")}`);
  }
}
console.log(`
exact    every merge counts at once.
split    every merge is stored; the forward pass sees one when it has passed half a bfloat16 unit, so a small
         change costs at least what exporting the exact run to bfloat16 costs.
factored the base stays as it is and what is merged lies beside it, all of it until its rank is more than R; then the
         directions that weigh least are lost.
rounded  a merge below half a unit is lost, and the part that the factors gave up with it: the weight forgets.`);
