import { resolve } from "node:path";
import type { Command } from "commander";
import type { QuickstartEvent, QuickstartResult, RunQuickstart } from "../../recipes/api.js";
import { formatBytes, formatCount, formatDuration } from "../../util/format.js";
import type { Context } from "../context.js";
import { jsonOption, number } from "../options.js";
import { RunView } from "../run-view.js";
import { table } from "../terminal/table.js";
import { printable } from "../terminal/text.js";

interface Options {
  out: string;
  seed: number;
  json?: boolean;
}

/** `scalora quickstart`: fine-tunes the embedded model with three methods and compares them. */
export function addQuickstart(
  program: Command,
  context: Context,
  load: () => Promise<{ runQuickstart: RunQuickstart }>,
): void {
  program
    .command("quickstart")
    .description("fine-tune the embedded tiny model with LoRA, ScaLoRA-I and in full, and compare them")
    .option("--out <folder>", "folder for the results", "runs/quickstart")
    .option("--seed <n>", "seed of data and training", number({ least: 0, whole: true }), 0)
    .addOption(jsonOption())
    .action(async ({ out, seed, json }: Options) => {
      await context.prepareEngine();
      const { runQuickstart } = await load();
      const view = new QuickstartView(context);
      const onEvent = view.show.bind(view);
      const result = await context
        .interruptible((signal) => runQuickstart({ out: resolve(out), seed }, { signal, onEvent }))
        .finally(() => view.end());
      if (json) context.json(result);
      else context.result(resultText(result, context));
    });
}

/** A title for each phase, the progress of one run after the other below it. */
class QuickstartView {
  private readonly context: Context;
  private current: { method: string; view: RunView } | undefined;

  constructor(context: Context) {
    this.context = context;
  }

  show(event: QuickstartEvent): void {
    if (event.type === "run") {
      if (this.current?.method !== event.method) {
        this.end();
        this.current = { method: event.method, view: new RunView(this.context) };
      }
      this.current?.view.show(event.event);
      return;
    }
    this.end();
    this.context.note(event.type === "phase" ? `\n${this.context.paint("bold", event.title)}` : event.text);
  }

  end(): void {
    this.current?.view.end();
    this.current = undefined;
  }
}

function resultText(result: QuickstartResult, { paintOut }: Context): string {
  const rows = result.rows.map((row) => [
    row.method,
    `${(100 * row.accuracy).toFixed(1)} %`,
    `${(100 * row.wordAccuracy).toFixed(1)} %`,
    row.loss.toFixed(4),
    formatCount(row.trainable),
    formatDuration(row.seconds),
    formatBytes(row.memory),
    row.rank.toFixed(1),
  ]);
  const right = (title: string) => ({ title, align: "right" as const });
  const columns = [
    { title: "method" },
    ...["exact", "words", "loss", "trainable", "time", "peak memory", "rank of change"].map(right),
  ];
  const samples = result.samples.flatMap((sample) => [
    `${paintOut("dim", "prompt")}  ${printable(sample.prompt)}`,
    `  expected   ${printable(sample.expected)}`,
    `  before     ${printable(sample.before)}`,
    ...sample.after.map(({ method, output }) => `  ${method.padEnd(10)} ${printable(output)}`),
  ]);
  return [
    ...samples,
    "",
    table(columns, rows, paintOut),
    result.remark,
    "",
    `report  ${result.report}`,
    `model   ${result.exported}`,
    `time    ${formatDuration(result.seconds)}`,
    "",
    paintOut("bold", "Try next:"),
    ...result.next.map((command) => `  ${command}`),
  ].join("\n");
}
