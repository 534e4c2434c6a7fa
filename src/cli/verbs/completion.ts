import { Argument, type Command } from "commander";
import { bashCompletion } from "../completion/bash.ts";
import { commandWords } from "../completion/command-words.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import type { Context } from "../context.ts";

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `scalora completion`: prints a script that completes commands, options, recipes and runs in a shell. */
export function addCompletion(program: Command, context: Context): void {
  program
    .command("completion")
    .description("print a script for bash, zsh or fish that completes commands, options, recipes and runs")
    .addArgument(new Argument("<shell>", "shell to complete in").choices(Object.keys(shells)))
    .action((shell: keyof typeof shells) => {
      context.stdout.write(shells[shell](program.name(), commandWords(program)));
    });
}
