import { allWords, type CommandWords, type OptionWords, type ValueKind } from "./command-words.ts";

/**
 * A script for fish that completes a program's command lines. It starts no program.
 * @param settings the keys of a recipe
 */
export function fishCompletion(name: string, program: CommandWords, settings: readonly string[]): string {
  return `# fish completion for ${name}: save it as ~/.config/fish/completions/${name}.fish
function __${name}_runs
  set -l word (commandline -ct)
  for file in $word*/config.yaml $word*/*/config.yaml
    string replace -r '/config.yaml$' '' -- $file
  end
end
function __${name}_settings
  string split ' ' -- '${settings.map((key) => `${key}=`).join(" ")}'
end
complete -c ${name} -f
${allWords(program)
  .flatMap((command) => commandLines(name, command))
  .join("\n")}
`;
}

function commandLines(name: string, { path, options, values, commands }: CommandWords): string[] {
  const names = commands.map((child) => child.path.at(-1) ?? "");
  const here = condition(path, names);
  const [first] = values;
  return [
    ...commands.map(
      (child, i) => `complete -c ${name} -n ${here} -a ${names[i]} -d ${quote(child.description)}`,
    ),
    ...options.map((option) => optionLine(name, condition(path, path.length === 0 ? names : []), option)),
    ...(commands.length === 0 && first !== undefined && first !== "text"
      ? [`complete -c ${name} -n ${here} ${valueFlags(name, first)}`]
      : []),
  ];
}

/** Whether the command line is at the command of a path, and not at one of its subcommands. */
function condition(path: readonly string[], below: readonly string[]): string {
  const within = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const outside = below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(" ")}`];
  return quote([...within, ...outside].join("; and ") || "true");
}

function optionLine(name: string, here: string, { flags, description, value }: OptionWords): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const taken =
    value === undefined ? "" : ` ${value === "file" ? "-r" : "-x"} ${valueFlags(name, value)}`.trimEnd();
  return `complete -c ${name} -n ${here} ${names.join(" ")}${taken} -d ${quote(description)}`;
}

function valueFlags(name: string, kind: ValueKind): string {
  if (typeof kind !== "string") return `-a ${quote(kind.words.join(" "))}`;
  const flags = {
    recipe: "-a '(__fish_complete_suffix .yaml .yml)'",
    run: `-a '(__${name}_runs)'`,
    model: `-a '(__${name}_runs) (__fish_complete_directories) (__fish_complete_suffix .gguf)'`,
    folder: "-a '(__fish_complete_directories)'",
    file: "-F",
    setting: `-a '(__${name}_settings)'`,
    text: "",
  } as const;
  return flags[kind];
}

const quote = (text: string) => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
