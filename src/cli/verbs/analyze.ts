import { resolve } from "node:path";
import type { Command } from "commander";
import type { AnalysisResult } from "../../analysis/analysis-request.ts";
import { assertRunFolder } from "../check-run-folder.ts";
import { jsonOption } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";
import { table } from "../terminal/table.ts";

type Analysis = typeof import("../../analysis/analyze-run.ts");

interface Options {
  layers?: string;
  out?: string;
  json?: boolean;
}

/** `scalora analyze`: the ScaLoRA paper's figures for a run. */
export function addAnalyze(program: Command, context: Context, load: () => Promise<Analysis>): void {
  program
    .command("analyze")
    .description("ranks, gradients and scaling of a finished run: the figures of the ScaLoRA paper")
    .argument("<run>", "a run's folder; run.analysis in its recipe records most of the figures")
    .option("--layers <pattern>", "only layers with this name (q_proj), or matching a /regular expression/")
    .option("--out <file>", "HTML page to write (default: analysis.html in the run's folder)")
    .addOption(jsonOption())
    .action(async (path: string, { layers, out, json }: Options) => {
      await assertRunFolder(resolve(path));
      await context.startEngine();
      const { analysisTables, runAnalyze } = await load();
      const request = { path, ...(layers !== undefined && { layers }), ...(out !== undefined && { out }) };
      const result = await context.interruptible((signal) => runAnalyze(request, { signal }));
      if (json) context.json(result);
      else context.result(resultText(result, analysisTables, context));
    });
}

function resultText(result: AnalysisResult, tablesOf: Analysis["analysisTables"], context: Context): string {
  const figures = tablesOf(result).map(({ title, columns, rows, note }) =>
    [
      context.paintOut("bold", title),
      table(columns, rows, context.tableStyle),
      ...(note === undefined ? [] : [context.paintOut("dim", note)]),
    ].join("\n"),
  );
  return [...figures, `report  ${result.report}`].join("\n\n");
}
