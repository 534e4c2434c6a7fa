import { evaluationBatches } from "../assemble/evaluation-batches.ts";
import { initProcessGroup } from "../distributed/index.ts";
import { alone } from "../distributed/launch.ts";
import { byteSeconds } from "../forecast/collectives.ts";
import type { RankCosts } from "../forecast/forecast-ranks.ts";
import { deviceOf } from "../nn/index.ts";
import { dtypeWidth, gatherNumbers, zeros } from "../torch/index.ts";
import { DataParallel } from "../train/ranks/data-parallel.ts";
import { takeMicroBatches } from "../train/step.ts";
import { groupBy } from "../util/group-by.ts";
import { checkpointBytes } from "./memory/memory-estimate.ts";
import type { PreparedRun } from "./prepare-run.ts";
import type { Probe } from "./probe-run.ts";

/** Micro-batches that are made, and exchanges that are timed; the first exchange, which allocates, is not. */
const [madeBatches, timedExchanges] = [16, 5];

/**
 * Measures what each of several ranks would do beside its own computation: this process does it as the only rank of a group.
 * Gradients are zero afterwards.
 * @param probe what three steps of this process showed
 * @param accumulate micro-batches of a step of each rank
 * @param loadSeconds how long model and data took to load
 */
export async function measureRankCosts(
  prepared: PreparedRun,
  { probe, accumulate, loadSeconds }: { probe: Probe; accumulate: number; loadSeconds: number },
): Promise<RankCosts> {
  const { adapters, optimizer, batches, dataset, shards } = prepared;
  using group = await initProcessGroup({ launch: alone });
  using ranks = new DataParallel(group, adapters, prepared.base.model);
  using loss = zeros([], { device: "cpu" });
  const exchange = async () => {
    await ranks.accumulate(accumulate, () => loss);
    await gatherNumbers(group, 0);
  };
  await exchange();
  const exchangeSeconds = await secondsOf(async () => {
    for (let i = 0; i < timedExchanges; i++) await exchange();
  });
  const byDType = groupBy(adapters.trainables(), ({ grad }) => grad.dtype);
  const { evaluationSeconds } = probe;
  return {
    stepSeconds: probe.secondsPerStep,
    accumulate,
    stepTokens: probe.tokensPerSecond * probe.secondsPerStep,
    batchSeconds: (await secondsOf(() => takeMicroBatches(batches, madeBatches))) / madeBatches,
    gradientBytes: byDType.map((trainables) =>
      trainables.reduce((sum, { grad }) => sum + grad.numel * dtypeWidth(grad.dtype), 0),
    ),
    exchangeSeconds: exchangeSeconds / timedExchanges,
    byteSeconds: deviceOf(prepared.base.model) === "cpu" ? byteSeconds : 0,
    base: shards?.sizes(),
    loadSeconds,
    evaluation:
      evaluationSeconds === null
        ? null
        : { seconds: evaluationSeconds, batches: evaluationBatches(dataset.eval).length },
    checkpoint: {
      bytes: checkpointBytes({ adapters, optimizer }),
      hashSeconds: await secondsOf(() => ranks.requireEqual(0)),
    },
  };
}

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}
