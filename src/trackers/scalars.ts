import type { MethodEvent, RankEvent, RunEvent } from "../run/events.ts";

/** A number that an event records, by its name: `train/loss`. */
export type Scalar = readonly [name: string, value: number];

/** The numbers of an event as trackers plot them over the steps; empty for events without any. */
export function eventScalars(event: RunEvent): Scalar[] {
  switch (event.type) {
    case "step":
      return [
        ["train/loss", event.loss],
        ["train/lr", event.lr],
        ["train/grad_norm", event.gradNorm],
        ["train/tokens_per_second", event.tokens / Math.max(event.seconds, 1e-9)],
        ["train/memory_bytes", event.memory],
      ];
    case "eval":
      return [
        ["eval/loss", event.loss],
        ...named("eval", { accuracy: event.accuracy, score: event.score, ...event.metrics }),
      ];
    case "method":
      return methodScalars(event);
    case "rank":
      return rankScalars(event);
    default:
      return [];
  }
}

/** The numbers of a method's report; a list of three is minimum, median and maximum. */
function methodScalars({ report }: MethodEvent): Scalar[] {
  return Object.entries(report).flatMap(([key, value]): Scalar[] => {
    if (typeof value === "number") return named("method", { [key]: value });
    if (!Array.isArray(value) || value.length !== 3) return [];
    const [min, median, max] = value;
    return named(`method/${safeName(key)}`, { min, median, max });
  });
}

function rankScalars({ layers }: RankEvent): Scalar[] {
  if (layers.length === 0) return [];
  const mean = (of: (layer: RankEvent["layers"][number]) => number) =>
    layers.reduce((sum, layer) => sum + of(layer), 0) / layers.length;
  return [
    ["rank/mean_rank", mean(({ rank }) => rank)],
    ["rank/mean_entropy_rank", mean(({ entropyRank }) => entropyRank)],
  ];
}

const named = (group: string, values: Readonly<Record<string, unknown>>): Scalar[] =>
  Object.entries(values).flatMap(([key, value]) =>
    typeof value === "number" ? [[`${group}/${safeName(key)}`, value]] : [],
  );

/** A name of letters, digits, `_`, `-`, `.` and spaces that is no path: metrics are files for MLflow, and plug-ins name their own. */
export const safeName = (name: string): string =>
  name.replaceAll(/[^\w. -]/g, "_").replace(/^\.+/, (dots) => "_".repeat(dots.length)) || "_";
