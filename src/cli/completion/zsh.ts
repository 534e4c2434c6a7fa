import { allWords, type CommandWords, type OptionWords, type ValueKind } from "./command-words.ts";

/**
 * A script for zsh that completes a program's command lines. It starts no program.
 * @param settings the keys of a recipe
 */
export function zshCompletion(name: string, program: CommandWords, settings: readonly string[]): string {
  return `#compdef ${name}
# zsh completion for ${name}: save it as _${name} in a folder of $fpath
_${name}_runs() {
  local -a runs
  runs=(\${PREFIX}*/config.yaml(N:h) \${PREFIX}*/*/config.yaml(N:h))
  compadd -f -a runs
}
_${name}_settings() { compadd "$@" -S = -- ${settings.join(" ")}; }
_${name}_models() { _${name}_runs; _files -g '*.gguf(-.)'; _files -/; }
${allWords(program)
  .map((command) => commandFunction(name, command))
  .join("\n")}
if [[ \${funcstack[1]} == _${name} ]]; then ${functionName(name, [])} "$@"; else compdef ${functionName(name, [])} ${name}; fi
`;
}

const functionName = (name: string, path: readonly string[]) => ["", name, "command", ...path].join("_");

function commandFunction(name: string, { path, options, values, commands }: CommandWords): string {
  const specs = options.map((option) => optionSpec(name, option));
  if (commands.length === 0) {
    const own = values.map((value, i) => quote(`${i + 1}:${kindTitle(value)}:${action(name, value)}`));
    return `${functionName(name, path)}() {\n  _arguments ${[...specs, ...own].join(" ")}\n}`;
  }
  const described = commands.map(({ path: below, description }) => quote(`${below.at(-1)}:${description}`));
  const calls = commands.map(({ path: below }) => `      ${below.at(-1)}) ${functionName(name, below)} ;;`);
  return `${functionName(name, path)}() {
  local curcontext=$curcontext state line
  local -a commands=(${described.join(" ")})
  _arguments -C ${specs.join(" ")} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument) case \${line[1]} in
${calls.join("\n")}
    esac ;;
  esac
}`;
}

function optionSpec(name: string, { flags, description, value }: OptionWords): string {
  const names = flags.length > 1 ? `{${flags.join(",")}}` : (flags[0] ?? "");
  const shown = description.replaceAll(/[[\]\\:]/g, "\\$&");
  const taken = value === undefined ? "" : `:${kindTitle(value)}:${action(name, value)}`;
  // The star: also where it has been given already.
  return `'*'${names}${quote(`[${shown}]${taken}`)}`;
}

const kindTitle = (kind: ValueKind) => (typeof kind === "string" ? kind : "value");

function action(name: string, kind: ValueKind): string {
  if (typeof kind !== "string") return `(${kind.words.join(" ")})`;
  const actions = {
    recipe: '_files -g "*.y(a|)ml(-.)"',
    run: `_${name}_runs`,
    model: `_${name}_models`,
    folder: "_files -/",
    file: "_files",
    setting: `_${name}_settings`,
    text: "",
  } as const;
  return actions[kind];
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
