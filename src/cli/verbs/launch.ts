import type { Command } from "commander";
import { ScaloraError } from "../../util/errors.ts";
import { numberParser } from "../shared-options.ts";
import type { Context } from "../terminal/context.ts";

/** `scalora launch`: a command as several ranks on this machine. Needs no engine itself. */
export function addLaunch(program: Command, context: Context): void {
  program
    .command("launch")
    .description("run a command as several processes on this machine, with torchrun's variables")
    .argument("<command...>", "a command of scalora, or a program, with its arguments")
    .requiredOption(
      "--nproc <number>",
      "how many processes (ranks)",
      numberParser({ least: 1, most: 1024, whole: true }),
    )
    .passThroughOptions()
    .showHelpAfterError("  fix:      such as npx scalora launch --nproc 2 train recipe.yaml")
    .action(async (words: readonly string[], { nproc }: { nproc: number }) => {
      const { describeFailure, runRanks } = await import("../../distributed/run-ranks.ts");
      const [command = "", ...args] = words;
      requireOneProcess(command);
      const isVerb = program.commands.some((verb) => verb.name() === command);
      const [, script = ""] = process.argv;
      const { failure, exitCode } = await runRanks({
        ...(isVerb
          ? { command: process.execPath, args: [...process.execArgv, script, ...words] }
          : { command, args }),
        nproc,
        env: context.env,
        log: (line) => context.error(line),
      });
      const label = failure?.askedBy ? "" : `${context.paint("red", "error:")} `;
      if (failure) context.error(`${label}${describeFailure(failure)}`);
      context.exitCode = exitCode;
    });
}

/** Commands of which each rank would do the whole work. */
const inOneProcess = ["quickstart", "generate", "chat", "export", "convert"];

/** @throws ScaloraError `usage` for a command that several ranks are to run and that is for one process */
export function requireOneProcess(verb: string): void {
  if (!inOneProcess.includes(verb)) return;
  throw new ScaloraError("usage", "This command is for one process", {
    found: `${verb} on several ranks`,
    fix: `run \`scalora ${verb}\` without a launcher`,
  });
}
