import { formatBytes, formatCount, formatStepTime } from "../util/format.ts";
import { isWithinNoise, isWithoutWidth, type PairedDifference } from "./statistics.ts";
import type { CompareRow, SettingDifference } from "./summary.ts";
import type { SeedSets } from "./trials.ts";

const right = (title: string) => ({ title, align: "right" as const });

/** Titles of the columns that `tableCells` fills. */
export const compareColumns = [
  { title: "setting" },
  ...["lr", "result", "seeds", "difference", "needed", "trainable", "step", "memory", "rank"].map(right),
];

/** A row of the table, for the terminal and the HTML page. */
export function tableCells(row: CompareRow): string[] {
  return [
    row.setting,
    chosenText(row),
    resultText(row),
    String(row.seeds),
    row.difference === null ? "–" : differenceText(row.figure, row.difference),
    row.difference === null ? "–" : neededText(row.difference),
    row.trainable === null ? "–" : formatCount(row.trainable),
    row.secondsPerStep === null ? "–" : formatStepTime(row.secondsPerStep),
    row.memory === null ? "–" : formatBytes(row.memory),
    row.rank === null ? "–" : row.rank.toFixed(1),
  ];
}

/** Titles of the columns that `differenceCells` fills. */
export const differenceColumns = [
  { title: "setting" },
  { title: "less" },
  ...["difference", "seeds", "needed"].map(right),
];

/** Two settings compared, as a row of a table. */
export const differenceCells = (figure: Figure, difference: SettingDifference): string[] => [
  difference.setting,
  difference.other,
  differenceText(figure, difference),
  String(difference.pairs),
  neededText(difference),
];

type Figure = CompareRow["figure"];

/** The rate and swept options that were chosen, with `*` where one is at the end of its sweep. */
export function chosenText({ lr, options, edges }: Pick<CompareRow, "lr" | "options" | "edges">): string {
  const values = [String(lr), ...Object.entries(options).map(([path, value]) => `${path} ${value}`)];
  return `${values.join(", ")}${edges.length > 0 ? " *" : ""}`;
}

/** Mean and spread: scores in percent, losses as they are. */
export function resultText(
  { figure, mean, deviation }: Pick<CompareRow, "figure" | "mean" | "deviation">,
  unit = " %",
): string {
  const spread = deviation === null ? "" : ` ± ${metricText(figure, deviation, unit)}`;
  return `${metricText(figure, mean, unit)}${spread}`;
}

const metricText = (figure: Figure, value: number, unit = " %") =>
  figure === "score" ? `${(100 * value).toFixed(2)}${unit}` : value.toFixed(4);

/** `-0.0123 [-0.0200, -0.0046]`, with `~` where it is within noise and `=` where all seeds gave the same. */
export function differenceText(
  figure: Figure,
  difference: PairedDifference,
  mark = differenceMark(difference),
): string {
  const { mean, interval } = difference;
  const range = interval === null ? "" : ` [${interval.map((end) => signedText(figure, end)).join(", ")}]`;
  return `${signedText(figure, mean)}${range}${mark}`;
}

function differenceMark(difference: PairedDifference): string {
  if (isWithoutWidth(difference)) return " =";
  return isWithinNoise(difference) ? " ~" : "";
}

/** What `=` means; empty where no difference has it. */
export const equalRemark = (differences: readonly (PairedDifference | null)[]) =>
  differences.some((each) => each !== null && isWithoutWidth(each))
    ? "= is the same difference on all seeds: its interval has no width, which so few seeds do not prove."
    : "";

function signedText(figure: Figure, value: number): string {
  const text = metricText(figure, value);
  return value > 0 ? `+${text}` : text;
}

export const neededText = ({ seedsNeeded }: PairedDifference) =>
  seedsNeeded === null ? "–" : formatCount(seedsNeeded);

/** Explains the table's figures. */
export function tableRemark(rows: readonly CompareRow[], seedSets: SeedSets): string {
  const isScore = rows[0]?.figure === "score";
  const lines = [
    `Result: ${isScore ? "the best checkpoint's score" : "the lowest held-out loss"}, mean ± standard deviation over ${seedsText(seedSets.seeds)}.`,
    choiceText(rows, seedSets),
    rows.length < 2
      ? ""
      : `Difference: to ${rows[0]?.setting}, on the same seeds, with its 95 % interval (Student's t); ~ is within noise. Needed: seeds that would show it in 80 % of comparisons.`,
    equalRemark(rows.map(({ difference }) => difference)),
    ...edgeTexts(rows),
  ];
  return lines.filter((line) => line !== "").join("\n");
}

/** Which seeds chose what is swept; empty where nothing is. */
export function choiceText(rows: readonly CompareRow[], { tuningSeeds }: SeedSets): string {
  const swept = rows.filter(({ sweep }) => sweep.length > 0);
  if (swept.length === 0) return "";
  const what = swept.some(({ options }) => Object.keys(options).length > 0) ? "What is swept" : "The rate";
  const them = tuningSeeds.length === 1 ? "which does not count" : "which do not count";
  return `${what} was chosen on ${seedsText(tuningSeeds)}, ${them} in the result.`;
}

const seedsText = (seeds: readonly number[]) =>
  `${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}`;

/** The chosen values at the end of a sweep, with those to try next. */
export const edgeTexts = (rows: readonly CompareRow[]) =>
  rows.flatMap(({ setting, edges }) =>
    edges.map(
      ({ key, value, next }) =>
        `* ${setting}: ${key} ${value} is at the end of its sweep; try ${next} as well.`,
    ),
  );

/** Settings whose runs all failed, a line each. */
export const missingTexts = (missing: readonly string[]) =>
  missing.map((setting) => `${setting} has no result: its runs failed.`);

/** A difference in words, with what it takes to be sure of it. */
export function certaintyText(figure: Figure, difference: PairedDifference): string {
  const { mean, interval, pairs, seedsNeeded } = difference;
  if (interval === null)
    return "One seed each: the difference may be chance. More seeds (--seeds) would tell.";
  const [low, high] = interval.map((end) => signedText(figure, end));
  const found = `On the same ${pairs} seeds they differ by ${signedText(figure, mean)} (95 % interval ${low} to ${high})`;
  if (isWithoutWidth(difference))
    return `${found}: the same on each, an interval without width, which so few seeds do not prove.`;
  if (!isWithinNoise(difference)) return `${found}.`;
  const needed =
    seedsNeeded === null ? "" : ` About ${formatCount(seedsNeeded)} seeds would show such a difference.`;
  return `${found}: within noise.${needed}`;
}
