import { allWords, type CommandWords, type ValueKind } from "./command-words.ts";

/**
 * A script for bash (3.2 or newer) that completes a program's command lines. It starts no program.
 * @param settings the keys of a recipe
 */
export function bashCompletion(name: string, program: CommandWords, settings: readonly string[]): string {
  const commands = allWords(program);
  const branches = commands
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `      ${quoted(path)}) path="${path.join(" ")}" ;;`);
  return `# bash completion for ${name}: save it, and source it in ~/.bashrc
_${name}_files() { compgen -d -- "$1"; compgen -f -X "$2" -- "$1"; }
_${name}_runs() {
  local file
  for file in "$1"*/config.yaml "$1"*/*/config.yaml; do [[ -e $file ]] && printf '%s\\n' "\${file%/config.yaml}"; done
}
_${name}_add() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}
_${name}_value() {
  case $2 in
    recipe) compopt -o filenames 2>/dev/null; _${name}_add < <(_${name}_files "$1" '!*.y*ml') ;;
    run) compopt -o filenames 2>/dev/null; _${name}_add < <(_${name}_runs "$1") ;;
    model) compopt -o filenames 2>/dev/null; _${name}_add < <(_${name}_runs "$1"; _${name}_files "$1" '!*.gguf') ;;
    folder) compopt -o filenames 2>/dev/null; _${name}_add < <(compgen -d -- "$1") ;;
    file) compopt -o filenames 2>/dev/null; _${name}_add < <(compgen -f -- "$1") ;;
    setting) compopt -o nospace 2>/dev/null; _${name}_add < <(compgen -S = -W "${settings.join(" ")}" -- "$1") ;;
    words:*) _${name}_add < <(compgen -W "\${2#words:}" -- "$1") ;;
  esac
}
_${name}() {
  COMPREPLY=()
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path="" values=0 i
  if [[ $current == = ]]; then current=""; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
${branches.join("\n")}
      *" -"*|*" =") ;;
      *) values=$((values + 1)) ;;
    esac
  done
  case "$path:$previous" in
${commands.flatMap((command) => optionValues(name, command)).join("\n")}
  esac
  case "$path" in
${commands.map((command) => commandBranch(name, command)).join("\n")}
  esac
}
complete -F _${name} ${name}
`;
}

/** The value of `$path` before the last word of a command, and that word. */
function quoted(path: readonly string[]): string {
  return `"${path.slice(0, -1).join(" ")} ${path.at(-1)}"`;
}

/** A line for each option that takes a value. */
const optionValues = (name: string, { path, options }: CommandWords): string[] =>
  options.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    const patterns = flags.map((flag) => `"${path.join(" ")}:${flag}"`).join("|");
    return [`    ${patterns}) _${name}_value "$current" ${kindWord(value)}; return ;;`];
  });

function commandBranch(name: string, { path, options, values, commands }: CommandWords): string {
  const flags = options.flatMap((option) => option.flags).join(" ");
  const other = commands.length > 0 ? { words: commands.map((child) => child.path.at(-1) ?? "") } : values[0];
  const value = other === undefined ? ":" : `_${name}_value "$current" ${kindWord(other)}`;
  return `    "${path.join(" ")}") if [[ $current == -* ]]; then _${name}_value "$current" "words:${flags}"; else ${value}; fi ;;`;
}

const kindWord = (kind: ValueKind) => (typeof kind === "string" ? kind : `"words:${kind.words.join(" ")}"`);
