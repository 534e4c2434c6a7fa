import { Argument, type Command } from "commander";
import { bashCompletion } from "../completion/bash.ts";
import { commandWords } from "../completion/command-words.ts";
import { fishCompletion } from "../completion/fish.ts";
import { zshCompletion } from "../completion/zsh.ts";
import type { Context } from "../terminal/context.ts";

const shells = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `scalora completion`: prints a script that completes commands, options, keys of recipes, recipes and runs. */
export function addCompletion(program: Command, context: Context): void {
  program
    .command("completion")
    .description("print a script for bash, zsh or fish that completes commands, options, recipes and runs")
    .addArgument(new Argument("<shell>", "shell to complete in").choices(Object.keys(shells)))
    .action(async (shell: keyof typeof shells) => {
      const { describeSection, sectionNames } = await import("../../config/index.ts");
      const settings = sectionNames.flatMap((section) =>
        describeSection(section).map(({ key }) => `${section}.${key}`),
      );
      context.stdout.write(shells[shell](program.name(), commandWords(program), settings));
    });
}
