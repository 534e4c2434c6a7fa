import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "./main.ts";
import { runScalora } from "./testing/scalora.ts";
import { testContext } from "./testing/terminal.ts";

const freshProgram = () => buildProgram(testContext().context);

/** The words of a shell's command line, without redirections. */
const shellWords = (line: string): string[] =>
  (line.replace(/ > .*$/, "").match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ""));

/** Parses words as the program does, and calls no command. @returns the command that they name */
async function parse(words: readonly string[]): Promise<string | undefined> {
  let reached: string | undefined;
  const program = freshProgram();
  const prepare = (command: Command): void => {
    if (command.commands.length === 0)
      command.action(() => {
        reached = command.name();
      });
    for (const below of command.commands) prepare(below);
  };
  for (const command of program.commands) prepare(command);
  await program.parseAsync([...words], { from: "user" });
  return reached;
}

const verbs = freshProgram().commands.map((command) => command.name());

test.each(verbs)("the help of %s ends with examples that the program takes", async (verb) => {
  const { code, stdout } = await runScalora(verb, "--help");
  expect(code).toBe(0);
  const [, text = ""] = stdout.split("\nExamples:\n");
  const lines = text.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThanOrEqual(2);
  expect(lines.length).toBeLessThanOrEqual(3);
  for (const line of lines) {
    expect(line).toMatch(new RegExp(`^ {2}npx scalora ${verb}\\b`));
    const words = shellWords(line.replace(/^ +npx scalora /, ""));
    const [, sub] = words;
    expect(await parse(words)).toBe(verb === "ls" ? sub : verb);
  }
});
