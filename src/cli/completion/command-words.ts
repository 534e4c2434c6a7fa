import type { Argument, Command, Option } from "commander";

/**
 * What a value is completed to: one of some words, names from the file system, or, as a `setting`, a key of a recipe with `=`
 * after it; `text` is not completed.
 */
export type ValueKind =
  | { readonly words: readonly string[] }
  | "recipe"
  | "run"
  | "model"
  | "folder"
  | "file"
  | "setting"
  | "text";

export interface OptionWords {
  /** `--json`, `-h`. */
  flags: string[];
  description: string;
  /** Absent for an option without a value. */
  value?: ValueKind;
}

/** The words of a command and of those below it, for completion. */
export interface CommandWords {
  /** Words after the program's name: none for the program itself. */
  path: string[];
  description: string;
  options: OptionWords[];
  /** What each argument is. */
  values: ValueKind[];
  commands: CommandWords[];
}

/** Placeholders of arguments and option values in the help, and the kind of value of each. */
const kinds: ReadonlyMap<string, ValueKind> = new Map([
  ["recipe", "recipe"],
  ["run", "run"],
  ["other-run", "run"],
  ["model", "model"],
  ["folder", "folder"],
  ["file", "file"],
  ["path", "file"],
  ["in", "file"],
  ["out", "file"],
  ["key=value", "setting"],
]);

/** The words of a program, from its commands. */
export function commandWords(command: Command, path: string[] = []): CommandWords {
  return {
    path,
    description: command.description(),
    options: [
      ...command.options.filter(({ hidden }) => !hidden).map(optionWords),
      { flags: ["-h", "--help"], description: "display help for command" },
    ],
    values: command.registeredArguments.map(argumentKind),
    commands: command.commands.map((child) => commandWords(child, [...path, child.name()])),
  };
}

/** A command and all below it. */
export const allWords = (words: CommandWords): CommandWords[] => [words, ...words.commands.flatMap(allWords)];

function optionWords({ short, long, description, flags, argChoices, required }: Option): OptionWords {
  const names = [short, long].filter((name) => name !== undefined);
  if (!required) return { flags: names, description };
  const placeholder = /<(.+)>/.exec(flags)?.[1] ?? "";
  return { flags: names, description, value: valueKind(placeholder, argChoices) };
}

const argumentKind = (argument: Argument): ValueKind => valueKind(argument.name(), argument.argChoices);

function valueKind(name: string, choices: readonly string[] | undefined): ValueKind {
  return choices === undefined ? (kinds.get(name) ?? "text") : { words: choices };
}
