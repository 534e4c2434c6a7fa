import { Command, CommanderError } from "commander";
import { launchOrAlone } from "../distributed/read-launch.ts";
import { packageVersion } from "../recipes/package-version.ts";
import { ensureSetup } from "../setup/setup.ts";
import { escapeControl, quote } from "../util/quote.ts";
import { addExamples } from "./examples.ts";
import { reportFailure } from "./report-failure.ts";
import { requireFilled } from "./require-filled.ts";
import { Context, type ContextOptions } from "./terminal/context.ts";
import { terminalWidth } from "./terminal/output-stream.ts";
import { addAnalyze } from "./verbs/analyze.ts";
import { addBoard } from "./verbs/board.ts";
import { addChat } from "./verbs/chat.ts";
import { addCheck } from "./verbs/check.ts";
import { addCompare } from "./verbs/compare.ts";
import { addCompletion } from "./verbs/completion.ts";
import { addConvert } from "./verbs/convert.ts";
import { addData } from "./verbs/data.ts";
import { addDiff } from "./verbs/diff.ts";
import { addDoctor } from "./verbs/doctor.ts";
import { addEval } from "./verbs/eval.ts";
import { addExport } from "./verbs/export.ts";
import { addGenerate } from "./verbs/generate.ts";
import { addGet } from "./verbs/get.ts";
import { addInit } from "./verbs/init.ts";
import { addLaunch, requireOneProcess } from "./verbs/launch.ts";
import { addLs } from "./verbs/ls.ts";
import { addQuickstart } from "./verbs/quickstart.ts";
import { addSetup } from "./verbs/setup.ts";
import { addTrain } from "./verbs/train.ts";

/** Characters of an error about the arguments, which quotes them. */
const maxUsageError = 2000;

/** Runs one command line (without `node scalora`) and returns the exit code. */
export async function main(args: readonly string[], options: Partial<ContextOptions> = {}): Promise<number> {
  const context = new Context({
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    prepareEngine: ensureSetup,
    ...options,
  });
  context.watchOutput();
  const program = buildProgram(context);
  try {
    await program.parseAsync([...args], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportFailure(error, context, args.includes("--verbose"));
  } finally {
    context.end();
  }
}

/** The command line with all its commands. */
export function buildProgram(context: Context): Command {
  const program = new Command("scalora")
    .description("Fine-tune language models with high-rank, low-cost adapters, on libtorch.")
    .version(packageVersion())
    .configureOutput({
      writeOut: (text) => context.stdout.write(escapeControl(text)),
      writeErr: (text) => context.error(quote(text, maxUsageError).trimEnd()),
      getOutHelpWidth: () => terminalWidth(context.stdout, 100),
      getErrHelpWidth: () => terminalWidth(context.stderr, 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .hook("preAction", (_, verb) => {
      if (launchOrAlone(context.env).worldSize > 1) requireOneProcess(verb.name());
      requireFilled(verb);
    })
    .enablePositionalOptions()
    .exitOverride();
  addVerbs(program, context);
  addExamples(program);
  for (const command of allCommands(program)) {
    command.option("--verbose", "print the stack of an error").exitOverride();
  }
  return program;
}

/** Each command's modules are imported when it runs, because they load the engine. */
function addVerbs(program: Command, context: Context): void {
  addQuickstart(program, context, () => import("../quickstart/run-quickstart.ts"));
  addInit(program, context, () => import("../recipes/draft-recipe.ts"));
  addCheck(program, context, () => import("../recipes/check-recipe.ts"));
  addTrain(program, context, () => import("../recipes/run-training.ts"));
  addData(program, context, () => import("../recipes/preview-data.ts"));
  addCompare(program, context, async () => ({
    compare: await import("../compare/run-compare.ts"),
    plans: await import("../compare/run-plan.ts"),
  }));
  addDiff(program, context, () => import("../run/diff-runs.ts"));
  addAnalyze(program, context, () => import("../analysis/analyze-run.ts"));
  addBoard(program, context);
  addEval(program, context, async () => ({
    ...(await import("../inference/evaluate.ts")),
    ...(await import("../inference/evaluate-tasks.ts")),
  }));
  addGenerate(program, context, () => import("../inference/generate.ts"));
  addChat(program, context, () => import("../inference/generate.ts"));
  addExport(program, context, () => import("../export/run-export.ts"));
  addGet(program, context);
  addLaunch(program, context);
  addConvert(program, context, () => import("../export/convert-gguf.ts"));
  addLs(program, context, () => import("../recipes/catalog.ts"));
  addDoctor(program, context);
  addSetup(program, context);
  addCompletion(program, context);
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
