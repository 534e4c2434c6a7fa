import type { Command } from "commander";
import type { RankFailure } from "../../distributed/run-ranks.ts";
import type { Context } from "../context.ts";
import { numberParser } from "../shared-options.ts";

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
    .action(async (words: readonly string[], { nproc }: { nproc: number }) => {
      const { runRanks } = await import("../../distributed/run-ranks.ts");
      const [command = "", ...args] = words;
      const isVerb = program.commands.some((verb) => verb.name() === command);
      const [, script = ""] = process.argv;
      const { failure, exitCode } = await runRanks({
        ...(isVerb
          ? { command: process.execPath, args: [...process.execArgv, script, ...words] }
          : { command, args }),
        nproc,
        env: context.env,
        log: (line) => context.note(line),
      });
      if (failure !== undefined) context.note(`${context.paint("red", "error:")} ${failureText(failure)}`);
      context.exitCode = exitCode;
    });
}

function failureText({ rank, pid, code, signal }: RankFailure): string {
  const how = signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
  return `rank ${rank} (process ${pid}) ${how}; the other ranks were ended`;
}
