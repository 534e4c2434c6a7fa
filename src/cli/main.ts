import { Command, CommanderError } from "commander";
import { ensureSetup } from "../../scripts/setup/setup.mjs";
import { packageVersion } from "../recipes/version.js";
import { Context, type ContextOptions } from "./context.js";
import { reportFailure } from "./failure.js";
import { columnsOf } from "./terminal/text.js";
import { addAnalyze } from "./verbs/analyze.js";
import { addChat } from "./verbs/chat.js";
import { addCompare } from "./verbs/compare.js";
import { addConvert } from "./verbs/convert.js";
import { addDoctor } from "./verbs/doctor.js";
import { addEval } from "./verbs/eval.js";
import { addExport } from "./verbs/export.js";
import { addGenerate } from "./verbs/generate.js";
import { addGet } from "./verbs/get.js";
import { addLs } from "./verbs/ls.js";
import { addQuickstart } from "./verbs/quickstart.js";
import { addSetup } from "./verbs/setup.js";
import { addTrain } from "./verbs/train.js";

/** Runs one command line (without `node scalora`) and returns the exit code. */
export async function main(args: readonly string[], options: Partial<ContextOptions> = {}): Promise<number> {
  const context = new Context({
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    prepareEngine: ensureSetup,
    ...options,
  });
  const program = buildProgram(context);
  try {
    await program.parseAsync([...args], { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportFailure(error, context, args.includes("--verbose"));
  }
}

function buildProgram(context: Context): Command {
  const program = new Command("scalora")
    .description("Fine-tune language models with high-rank, low-cost adapters, on libtorch.")
    .version(packageVersion())
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => columnsOf(context.stdout, 100),
      getErrHelpWidth: () => columnsOf(context.stderr, 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  addVerbs(program, context);
  for (const command of allCommands(program)) {
    command.option("--verbose", "print the stack of an error").exitOverride();
  }
  return program;
}

/** Recipes load the engine's modules, so each is imported only when its verb runs. */
function addVerbs(program: Command, context: Context): void {
  addQuickstart(program, context, () => import("../recipes/quickstart/index.js"));
  addTrain(program, context, () => import("../recipes/sft.js"));
  addCompare(program, context, () => import("../recipes/compare/index.js"));
  addAnalyze(program, context, () => import("../recipes/analysis/index.js"));
  addEval(program, context, async () => ({
    ...(await import("../recipes/evaluate.js")),
    ...(await import("../recipes/evaluate-tasks.js")),
  }));
  addGenerate(program, context, () => import("../recipes/generate.js"));
  addChat(program, context, () => import("../recipes/generate.js"));
  addExport(program, context, () => import("../recipes/export.js"));
  addGet(program, context);
  addConvert(program, context, () => import("../recipes/convert.js"));
  addLs(program, context, () => import("../recipes/catalog.js"));
  addDoctor(program, context);
  addSetup(program, context);
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
