import { type EvalEvent, eventsOfType, type RunEvent, type StartEvent } from "../run/events.ts";
import { formatCount, formatCountOf } from "../util/format.ts";
import { wilsonInterval } from "../util/wilson-interval.ts";
import type { Headline } from "./page/report-data.ts";

/** What a run has learnt, and what that rests on. @returns undefined before there is anything to say */
export function runHeadline(events: readonly RunEvent[]): Headline | undefined {
  const end = eventsOfType(events, "end").at(-1);
  if (end?.reason === "failed") {
    const [problem = "", ...details] = (end.message ?? "").split("\n").map((line) => line.trim());
    const why = problem === "" ? "" : `: ${problem}`;
    return warning(
      `The run failed at step ${formatCount(end.step)}${why}`,
      [...details, "What it had saved can be resumed."].join("\n"),
    );
  }
  const start = eventsOfType(events, "start").at(-1);
  const isTraining = start !== undefined && end === undefined;
  const headline = heldOutHeadline(events, start, isTraining) ?? trainingHeadline(events, start, isTraining);
  const trouble = endWarnings(events, end?.step);
  if (headline === undefined || trouble.length === 0) return headline;
  return warning(capitalised(trouble.join("; ")), headline.certainty);
}

/** What the run warned about at its end, such as a loss above the first one. */
function endWarnings(events: readonly RunEvent[], lastStep: number | undefined): string[] {
  if (lastStep === undefined || lastStep === 0) return [];
  return eventsOfType(events, "warning").flatMap(({ step, message }) => (step === lastStep ? [message] : []));
}

const warning = (text: string, certainty: string): Headline => ({ text, certainty, tone: "warning" });

/** Begins a headline; while a run is being trained, with "so far". */
function opening(text: string, isTraining: boolean): string {
  return capitalised(isTraining ? `so far ${text}` : text);
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function heldOutHeadline(
  events: readonly RunEvent[],
  start: StartEvent | undefined,
  isTraining: boolean,
): Headline | undefined {
  const evaluations = eventsOfType(events, "eval");
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const best = evaluations.findLast((event) => event.best) ?? last;
  const figure = first.score !== undefined && best.score !== undefined ? scoreFigure : lossFigure(start);
  const [from, to, final] = [figure(first), figure(best), figure(last)];
  const certainty = certaintyOf(best, start);
  const steps = `${formatCountOf(last.step, "step")}`;
  if (!to.isBetterThan(from))
    return warning(
      `${opening(`nothing was learnt in ${steps}`, isTraining)}: ${to.name} was ${from.text} before, ${final.text} at the end`,
      certainty,
    );
  const when = best.step === last.step ? `in ${steps}` : `by step ${formatCount(best.step)}`;
  const after = best.step === last.step ? "" : `; it was ${final.text} at step ${formatCount(last.step)}`;
  const text = `${to.name} ${to.verb} from ${from.text} to ${to.text} ${when}${after}`;
  return { text: opening(text, isTraining), certainty, tone: "result" };
}

/** One evaluation's figure in words. */
interface Figure {
  name: string;
  verb: string;
  text: string;
  value: number;
  isBetterThan(other: Figure): boolean;
}

function scoreFigure({ score = Number.NaN, metrics = {}, scoredBy }: EvalEvent): Figure {
  const names = scoredBy ?? Object.keys(metrics);
  return {
    name: `the held-out score (${names.length > 1 ? "mean of " : ""}${names.join(", ")})`,
    verb: "rose",
    text: `${(100 * score).toFixed(1)} %`,
    value: score,
    isBetterThan: (other) => score > other.value,
  };
}

/** A loss; of a language model with its perplexity, the number of tokens among which it is as if it guessed. */
const lossFigure =
  (start: StartEvent | undefined) =>
  ({ loss }: EvalEvent): Figure => ({
    name: start?.task === "regression" ? "the held-out squared error" : "the held-out loss",
    verb: "fell",
    text: `${loss.toFixed(3)}${(start?.task ?? "causal-lm") === "causal-lm" ? ` (perplexity ${perplexityText(Math.exp(loss))})` : ""}`,
    value: loss,
    isBetterThan: (other) => loss < other.value,
  });

const perplexityText = (value: number) => (value < 100 ? value.toPrecision(3) : formatCount(value));

/** What an evaluation's figure rests on. */
function certaintyOf({ labelTokens, accuracy }: EvalEvent, start: StartEvent | undefined): string {
  const isText = (start?.task ?? "causal-lm") === "causal-lm";
  const rows = isText ? start?.data.heldOut : labelTokens;
  const size = [
    ...(rows === undefined ? [] : [formatCountOf(rows, "row")]),
    ...(isText ? [formatCountOf(labelTokens, "label token")] : []),
  ].join(" with ");
  const interval = accuracy === undefined || rows === undefined ? "" : accuracyText(accuracy, rows);
  const few =
    rows !== undefined && rows < fewRows ? " That is few: other rows could give another picture." : "";
  return `Measured on ${size} that were not trained on.${interval}${few} One run with one seed: only repetitions with other seeds show how much of it is chance.`;
}

/** Below this number of held-out rows a figure is called rough. */
const fewRows = 100;

function accuracyText(accuracy: number, rows: number): string {
  const { low, high } = wilsonInterval(accuracy, rows);
  const percent = (share: number) => (100 * share).toFixed(1);
  return ` Accuracy ${percent(accuracy)} % (95 % interval ${percent(low)} to ${percent(high)}).`;
}

/** Fraction of the steps, at the start and at the end, whose mean loss is compared. */
const ends = 0.1;

/** Without two evaluations of held-out rows: the training loss at both ends. */
function trainingHeadline(
  events: readonly RunEvent[],
  start: StartEvent | undefined,
  isTraining: boolean,
): Headline | undefined {
  const losses = eventsOfType(events, "step").map(({ loss }) => loss);
  const count = Math.max(1, Math.floor(losses.length * ends));
  if (losses.length < 2) return undefined;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [from, to] = [mean(losses.slice(0, count)), mean(losses.slice(-count))];
  const steps = formatCountOf(losses.length, "step");
  const isHeldOut = (start?.data.heldOut ?? 0) > 0 || eventsOfType(events, "eval").length > 0;
  const nothing = "this says nothing about rows that were not trained on.";
  const certainty = isHeldOut
    ? `The held-out rows were not evaluated twice: ${nothing}`
    : `No rows were held out: ${nothing} data.eval holds rows out.`;
  if (!(to < from))
    return warning(
      `${opening(`nothing was learnt in ${steps}`, isTraining)}: the training loss was ${from.toFixed(3)} at first, ${to.toFixed(3)} at the end`,
      certainty,
    );
  const text = `the training loss fell from ${from.toFixed(3)} to ${to.toFixed(3)} in ${steps}`;
  return { text: opening(text, isTraining), certainty, tone: "result" };
}
