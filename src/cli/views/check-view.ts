import { ranksRows } from "../../forecast/forecast-rows.ts";
import type { RecipeCheck, RunForecast } from "../../recipes/check-recipe.ts";
import {
  formatBytes,
  formatCount,
  formatCountOf,
  formatDuration,
  formatStepTime,
} from "../../util/format.ts";
import { type TableStyle, table } from "../terminal/table.ts";

type MemoryForecast = NonNullable<RunForecast["memory"]>;

/**
 * What `scalora check` prints: the recipe, what a run would take, warnings, errors, and the verdict.
 * @param yaml the recipe
 */
export function checkText(
  { ok, errors, warnings, run }: Omit<RecipeCheck, "recipe">,
  yaml: string,
  style: TableStyle,
): string {
  const { paint } = style;
  const verdict = ok
    ? paint("green", "The recipe would run.")
    : paint("red", `The recipe would not run: ${formatCountOf(errors.length, "error")}.`);
  return [
    paint("dim", yaml.trimEnd()),
    ...(run === null ? [] : [table([{ title: "run" }, { title: "" }], forecastRows(run), style)]),
    ...warnings.map((warning) => `${paint("yellow", "warning:")} ${warning}`),
    ...errors.map((error) => `${paint("red", "error:")} ${error}`),
    verdict,
  ].join("\n\n");
}

function memoryRows({ total, limit, gpu, tokens, unknown }: MemoryForecast): [string, string][] {
  const batch = `largest batch ${formatCountOf(tokens, "token")}`;
  const all = taken(total, limit, unknown.length > 0);
  if (gpu === null) return [["memory", `${all}; ${batch}`]];
  const { weights, trained, optimizer, recomputed, host } = gpu;
  const again =
    recomputed === null ? "" : `; with train.recompute: all about ${formatBytes(Math.round(recomputed))}`;
  return [
    ["GPU memory", `${all}; ${batch}${again}`],
    [
      "",
      `${formatBytes(weights)} of weights, ${formatBytes(trained)} of what is trained and its gradients, ${formatBytes(optimizer)} of the optimiser's state`,
    ],
    ["host memory", taken(host.bytes, host.limit)],
  ];
}

/** @param isLeast whether something of it is not known */
function taken(bytes: number, limit: MemoryForecast["limit"], isLeast = false): string {
  const text = `${isLeast ? "at least" : "about"} ${formatBytes(Math.round(bytes))}`;
  if (limit === null) return text;
  const shared = limit.sharedBy === undefined ? "" : `, shared by ${limit.sharedBy} processes`;
  return `${text} of ${formatBytes(limit.bytes)} (${limit.of}${shared})`;
}

function parametersText({ trainable, all }: RunForecast["parameters"]): string {
  if (trainable === null) return `${formatCount(all)}; how many are trained is known once they are loaded`;
  const share = ((100 * trainable) / all).toPrecision(3);
  return `${formatCount(trainable)} trainable of ${formatCount(all)} (${share} %)`;
}

const diskRow = ({ needed, free, checkpoint }: NonNullable<RunForecast["disk"]>): [string, string] => [
  "disk",
  `up to ${formatBytes(needed)} of ${formatBytes(free)}; a checkpoint ${formatBytes(checkpoint)}`,
];

function forecastRows({
  steps,
  parameters,
  data,
  memory,
  disk,
  probe,
  ranks,
}: RunForecast): [string, string][] {
  const rows: [string, string][] = [
    ["parameters", parametersText(parameters)],
    [
      "data",
      `${formatCountOf(data.rows, "row")}, ${formatCountOf(data.tokens, "token")}, ${formatCount(data.labelTokens)} trained on, ${formatCountOf(data.heldOut, "row")} held out`,
    ],
    ["steps", formatCount(steps)],
    ...(memory === null ? [] : memoryRows(memory)),
    ...(disk === null ? [] : [diskRow(disk)]),
  ];
  if (probe === null) return rows;
  const evaluation =
    probe.evaluationSeconds === null ? "" : `, ${formatDuration(probe.evaluationSeconds)} an evaluation`;
  const time: [string, string] = [
    "time",
    `about ${formatDuration(probe.totalSeconds)}: ${formatStepTime(probe.secondsPerStep)} a step (${formatCount(Math.round(probe.tokensPerSecond))} tok/s)${evaluation}`,
  ];
  const losses = probe.losses.map((loss) => loss.toFixed(4)).join(", ");
  const first: [string, string][] = losses === "" ? [] : [["first losses", losses]];
  return [...rows, ...(ranks === null ? [time] : ranksRows(ranks)), ...first];
}
