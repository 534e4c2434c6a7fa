import { resolve } from "node:path";
import type { Command } from "commander";
import { quickstartModel } from "../../download/index.ts";
import { beforeLabel } from "../../quickstart/before-label.ts";
import { checkOutputFolder } from "../../quickstart/output-folder.ts";
import type {
  FractionEstimate,
  QuickstartEvent,
  QuickstartResult,
  QuickstartScore,
  RunQuickstart,
} from "../../quickstart/quickstart-result.ts";
import { SetupError } from "../../setup/errors.ts";
import { messageOf, ScaloraError } from "../../util/errors.ts";
import { formatBytes, formatCount, formatDuration } from "../../util/format.ts";
import { jsonOption, numberParser } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { terminalWidth } from "../terminal/output-stream.ts";
import { stripControl } from "../terminal/strip-control.ts";
import { type TableStyle, table } from "../terminal/table.ts";
import { besideLabel, pad, truncate } from "../terminal/text-width.ts";
import { fetchWithProgress } from "../views/fetch-with-progress.ts";
import { RunProgressView } from "../views/run-progress-view.ts";

type AnswersEvent = Extract<QuickstartEvent, { type: "answers" }>;

interface Options {
  out: string;
  seed: number;
  tiny?: boolean;
  json?: boolean;
}

/** `scalora quickstart`: fine-tunes a small chat model, or the embedded tiny one, with several methods and compares them. */
export function addQuickstart(
  program: Command,
  context: Context,
  load: () => Promise<{ runQuickstart: RunQuickstart }>,
): void {
  program
    .command("quickstart")
    .description(`fine-tune ${quickstartModel} with LoRA and ScaLoRA-I, and compare them`)
    .option(
      "--tiny",
      "train the tiny model that comes with scalora, without a download; it says how long that takes",
    )
    .option("--out <folder>", "folder for the results", "runs/quickstart")
    .option("--seed <n>", "seed of data and training", numberParser({ least: 0, whole: true }), 0)
    .addOption(jsonOption())
    .action(async ({ out, seed, tiny, json }: Options) => {
      // Check the output folder before downloading.
      checkOutputFolder(out);
      await context.startEngine();
      const model = tiny ? undefined : await fetchQuickstartModel(context);
      const { runQuickstart } = await load();
      const view = new QuickstartView(context);
      const onEvent = view.show.bind(view);
      const result = await context
        .interruptible((signal) =>
          runQuickstart(
            { out: resolve(out), seed, ...(model !== undefined && { model }) },
            { signal, onEvent },
          ),
        )
        .finally(() => view.end());
      if (json) context.json(result);
      else context.result(resultText(result, context));
    });
}

/** The chat model, downloaded if it is not cached; undefined, with a note, when the download fails. */
async function fetchQuickstartModel(context: Context): Promise<string | undefined> {
  try {
    return await fetchWithProgress(quickstartModel, context);
  } catch (error) {
    const isMissing = error instanceof SetupError || (error instanceof ScaloraError && error.code === "run");
    if (!isMissing) throw error;
    context.note(
      `${messageOf(error)}\n\n${context.paint("yellow", "Without it the quickstart trains the tiny model that comes with scalora.")}`,
    );
    return undefined;
  }
}

/** Shows a title for each phase, with the progress of its runs below. */
class QuickstartView {
  private readonly context: Context;
  private current: { method: string; view: RunProgressView } | undefined;

  constructor(context: Context) {
    this.context = context;
  }

  show(event: QuickstartEvent): void {
    if (event.type === "run") {
      if (this.current?.method !== event.method) {
        this.end();
        this.current = { method: event.method, view: new RunProgressView(this.context) };
      }
      this.current?.view.show(event.event);
      return;
    }
    if (event.type === "phase") {
      this.end();
      this.context.note(`\n${this.context.paint("bold", event.title)}`);
      return;
    }
    const text = event.type === "note" ? event.text : answersText(event, this.context);
    if (this.current === undefined) this.context.note(text);
    else this.current.view.note(text);
  }

  end(): void {
    this.current?.view.end();
    this.current = undefined;
  }
}

/** A model's answers so far, one a line; the first time with what was asked and what is right. */
function answersText({ when, withQuestions, answers }: AnswersEvent, { paint, stderr }: Context): string {
  const line = (text: string) => truncate(oneLine(text), terminalWidth(stderr, 80) - 1);
  const lines = answers.flatMap(({ question, expected, text, isExact }, i) => {
    const number = withQuestions ? "   " : `${i + 1}. `;
    const answer = line(`${number}${isExact ? "right" : "wrong"}  ${text}`);
    return [
      ...(withQuestions ? [line(`${i + 1}. ${question}`), line(`   wanted ${expected}`)] : []),
      paint(isExact ? "green" : "dim", answer),
    ];
  });
  return [`${paint("bold", "from the test")}, ${when}:`, ...lines].join("\n");
}

function resultText(result: QuickstartResult, context: Context): string {
  const { paintOut, tableStyle } = context;
  const rows = [
    [beforeLabel(result), ...scoreCells(result.before), "", "", "", ""],
    ...result.rows.map((row) => [
      row.method,
      ...scoreCells(row),
      formatCount(row.trainable),
      formatDuration(row.seconds),
      formatBytes(row.memory),
      row.rank.toFixed(1),
    ]),
  ];
  const { item, part } = result.names;
  const right = (title: string) => ({ title, align: "right" as const });
  const columns = [
    { title: "method" },
    ...[`exact ${item}`, `right ${part}`, "loss"].map(right),
    ...["trainable", "time", "peak memory", "rank of change"].map(right),
  ];
  const samples = result.samples.flatMap((sample) => [
    ...labelled(paintOut("dim", "prompt"), sample.prompt, 8, tableStyle),
    ...labelled("  expected", sample.expected, 13, tableStyle),
    ...labelled("  before", sample.before, 13, tableStyle),
    ...sample.after.flatMap(({ method, output }) => labelled(`  ${method}`, output, 13, tableStyle)),
  ]);
  return [
    ...samples,
    "",
    table(columns, rows, tableStyle),
    context.prose(`In brackets: 95 % intervals (Wilson). ${result.remark}`),
    "",
    `report  ${result.report}`,
    `model   ${result.exported}`,
    `time    ${formatDuration(result.seconds)}`,
    "",
    paintOut("bold", "Try next:"),
    ...result.next.map((command) => `  ${command}`),
  ].join("\n");
}

/** A text beside its label; on a terminal it is wrapped there. */
function labelled(label: string, text: string, margin: number, { width }: TableStyle): string[] {
  const shown = oneLine(text);
  return width === undefined ? [pad(label, margin) + shown] : besideLabel(label, shown, { margin, width });
}

const oneLine = (text: string) => stripControl(text).replaceAll(/\s*\n\s*/g, " ");

const scoreCells = ({ exact, parts, loss }: QuickstartScore) => [
  shareText(exact),
  shareText(parts),
  loss.toFixed(4),
];

/** `93.8 % [88, 98]`. */
const shareText = ({ value, low, high }: FractionEstimate) =>
  `${(100 * value).toFixed(1)} % [${(100 * low).toFixed(0)}, ${(100 * high).toFixed(0)}]`;
