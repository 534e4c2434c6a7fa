import { profileText } from "../../profile/profile-text.ts";
import type { CheckpointEvent, EvalEvent, RunEvent, StartEvent, StepEvent } from "../../run/events.ts";
import type { TaskType } from "../../run/start-event.ts";
import { StepMeter } from "../../run/throughput.ts";
import { formatBytes, formatCount, formatCountOf, formatDuration } from "../../util/format.ts";
import { quote } from "../../util/quote.ts";
import type { Context } from "../terminal/context.ts";
import { terminalWidth } from "../terminal/output-stream.ts";
import { panel } from "../terminal/panel.ts";
import { ProgressLine } from "../terminal/progress-line.ts";
import { stripControl } from "../terminal/strip-control.ts";
import type { LinePart } from "../terminal/text-width.ts";
import { metricEntries, percent, perplexityText } from "./metric-text.ts";

const profileHint =
  "The run's folder has each module (profile.txt) and the steps for chrome://tracing or ui.perfetto.dev (trace.json).";

/** Characters of a warning. */
const maxWarning = 2000;

/** Shows a training run on stderr: a panel at its start, one progress line, and a line for every other event. */
export class RunProgressView {
  private readonly context: Context;
  private readonly line: ProgressLine;
  private readonly meter = new StepMeter();
  private readonly launcher: string | undefined;
  private totalSteps = 0;
  private task: TaskType = "causal-lm";
  private firstStep: number | undefined;

  /** @param launcher what has started the processes that train together */
  constructor(context: Context, launcher?: string) {
    this.context = context;
    this.line = new ProgressLine(context.stderr);
    this.launcher = launcher;
  }

  show(event: RunEvent): void {
    if (event.type === "step") this.step(event);
    else if (event.type === "end") this.line.end();
    else {
      if (event.type === "start") {
        this.totalSteps = event.totalSteps;
        this.task = event.task ?? this.task;
      }
      const text = this.textOf(event);
      if (text !== undefined) this.line.printAbove(text);
    }
  }

  /** Shows a text above the progress line. */
  note(text: string): void {
    this.line.printAbove(text);
  }

  /** Ends the progress line. */
  end(): void {
    this.line.end();
  }

  private step(event: StepEvent): void {
    this.firstStep ??= event.step;
    this.meter.count(event.tokens, event.seconds);
    const important = event.step === this.firstStep || event.step === this.totalSteps;
    this.line.update(stepParts(event, this.totalSteps, this.meter), { important });
  }

  private textOf(event: RunEvent): string | undefined {
    const { paint, stderr } = this.context;
    switch (event.type) {
      case "start":
        return panel("scalora train", startFacts(event, this.launcher), {
          columns: terminalWidth(stderr, 100),
          paint,
        });
      case "eval":
        return this.evaluation(event);
      case "checkpoint":
        return paint("dim", checkpointText(event));
      case "sample":
        return `${event.step === 0 ? "before" : "after "}  ${paint("dim", stripControl(event.prompt))}${stripControl(event.output)}`;
      case "warning":
        return `${paint("yellow", "warning:")} ${quote(event.message, maxWarning)}`;
      case "profile":
        return `${profileText(event, { isWhole: false })}\n\n${paint("dim", profileHint)}`;
      case "pause":
        return `paused after step ${event.step}`;
      case "continue":
        return "going on";
      case "resume":
        return `resuming from ${event.checkpoint} (step ${event.step})`;
      default:
        return undefined;
    }
  }

  private evaluation(event: EvalEvent): string {
    const best = event.best ? this.context.paint("green", "  best so far") : "";
    return `step ${event.step}  held-out loss ${event.loss.toFixed(4)}${this.score(event)}${best}`;
  }

  private score(event: EvalEvent): string {
    if (this.task === "causal-lm") return `  perplexity ${perplexityText(event.loss)}`;
    return metricEntries(event)
      .map(([name, value]) => `  ${name} ${percent(value)} %`)
      .join("");
  }
}

/** `step 120/1000  loss 2.3452  lr 1.9e-4  3,421 tok/s  1.20 GiB  ETA 2 min 05 s`. */
function stepParts(event: StepEvent, totalSteps: number, meter: StepMeter): LinePart[] {
  const remaining = meter.remaining(totalSteps - event.step);
  return [
    { text: `step ${String(event.step).padStart(String(totalSteps).length)}/${totalSteps}`, leaveOut: 0 },
    { text: `loss ${event.loss.toFixed(4)}`, leaveOut: 1 },
    { text: `lr ${event.lr.toExponential(2)}`, leaveOut: 4 },
    { text: `${formatCount(meter.tokensPerSecond ?? 0)} tok/s`, leaveOut: 3 },
    { text: formatBytes(event.memory), leaveOut: 5 },
    { text: remaining === null ? "" : `ETA ${formatDuration(remaining)}`, leaveOut: 2 },
  ];
}

const checkpointReasons: Readonly<Record<CheckpointEvent["reason"], string>> = {
  interval: "",
  best: " (best so far)",
  end: " (end of the run)",
  stop: " (before stopping)",
  request: " (as requested)",
};

const checkpointText = (event: CheckpointEvent) =>
  `step ${event.step}  saved ${event.path}${checkpointReasons[event.reason]}`;

/** Labels of the environment's entries, in the order of the panel. */
const environmentLabels = [
  ["device", "device"],
  ["dtype", "precision"],
  ["quantization", "base weights"],
  ["base", "base"],
  ["gemmBackend", "GEMM backend"],
  ["worldSize", "processes"],
  ["threads", "threads"],
  ["libtorch", "libtorch"],
] as const;

/** Checkpoints of at least this many bytes are mentioned in the panel. */
const largeCheckpoint = 2 ** 28;

function startFacts(event: StartEvent, launcher: string | undefined): [string, string][] {
  const { model, parameters, environment } = event;
  const percent = ((100 * parameters.trainable) / parameters.all).toPrecision(3);
  const facts: [string, string][] = [
    [
      "model",
      `${stripControl(model.path)} (${model.family}, ${model.layers} layers, hidden ${model.hiddenSize})`,
    ],
    ["method", event.method],
    [
      "parameters",
      `${formatCount(parameters.trainable)} trainable of ${formatCount(parameters.all)} (${percent} %)`,
    ],
  ];
  for (const [key, label] of environmentLabels) {
    const value = environment[key];
    const by = key === "worldSize" && launcher !== undefined ? `, started by ${launcher}` : "";
    if (value !== undefined) facts.push([label, `${value}${by}`]);
  }
  const { estimatedMemory, checkpointBytes } = environment;
  if (estimatedMemory !== undefined) facts.push(["memory", `about ${formatBytes(estimatedMemory)}`]);
  if (checkpointBytes !== undefined && checkpointBytes >= largeCheckpoint)
    facts.push(["checkpoints", `${formatBytes(checkpointBytes)} each`]);
  facts.push(["data", dataText(event)]);
  facts.push([
    "steps",
    event.step === 0 ? `${event.totalSteps}` : `${event.step} of ${event.totalSteps} done`,
  ]);
  return facts;
}

function dataText({ data }: StartEvent): string {
  const { rows, tokens, labelTokens, heldOut } = data;
  const parts = [
    ...(rows === undefined ? [] : [formatCountOf(rows, "row")]),
    ...(tokens === undefined ? [] : [formatCountOf(tokens, "token")]),
    ...(labelTokens === undefined ? [] : [`${formatCount(labelTokens)} trained on`]),
    ...(heldOut === undefined ? [] : [`${formatCountOf(heldOut, "row")} held out`]),
  ];
  return parts.join(", ");
}
