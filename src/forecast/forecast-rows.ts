import { formatBytes, formatCount, formatCountOf, formatDuration, formatStepTime } from "../util/format.ts";
import type { RanksForecast, SharedBaseForecast } from "./forecast-ranks.ts";

/** A forecast as rows of a table. */
export function ranksRows(forecast: RanksForecast): [string, string][] {
  const { size, network, step, efficiency } = forecast;
  const [microseconds, gigabits] = [network.latency * 1e6, (network.bandwidth * 8) / 1e9];
  const fraction = (100 * efficiency).toFixed(efficiency < 0.1 ? 1 : 0);
  return [
    [
      formatCountOf(size, "rank"),
      `a step ${formatStepTime(step.total)}: ${formatStepTime(step.compute)} compute, ${formatStepTime(step.batches)} batches, ${formatStepTime(step.exchange)} sums, ${formatStepTime(step.network)} network; ${fraction} % of ideal`,
    ],
    [
      "network",
      `each rank sends ${formatBytes(Math.round(forecast.sentBytes))} a step, at ${gigabits.toPrecision(3)} Gbit/s and ${microseconds.toPrecision(3)} µs`,
    ],
    [
      "each rank",
      `${formatBytes(Math.round(forecast.exchangeBytes))} more memory, for the gradients of others`,
    ],
    ...(forecast.base ? [baseRow(forecast.base)] : []),
    ["start", `${formatDuration(forecast.load)} to load, ${formatDuration(forecast.join)} to join`],
    [
      "time",
      `about ${formatDuration(forecast.total)} (${formatCount(forecast.tokensPerSecond)} tok/s), a checkpoint ${formatStepTime(forecast.checkpoint)}`,
    ],
  ];
}

function baseRow({ kept, buffers, sentBytes, seconds }: SharedBaseForecast): [string, string] {
  const [own, room, sent] = [kept, buffers, sentBytes].map((bytes) => formatBytes(Math.round(bytes)));
  return [
    "base",
    `each rank keeps ${own} and gathers the rest, a block at a time, into ${room}: it sends ${sent} a step, which is ${formatStepTime(seconds)} longer for it`,
  ];
}
