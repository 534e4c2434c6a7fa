import type { Command } from "commander";
import { ScaloraError } from "../util/errors.ts";

/** Arguments and options of which an empty text means something. */
const mayBeEmpty: ReadonlySet<string> = new Set(["prompt", "command", "--system"]);

/**
 * Refuses an argument or option that is an empty text, which a path would take for the current folder.
 * @throws ScaloraError `usage`
 */
export function requireFilled(verb: Command): void {
  const values = [
    ...verb.registeredArguments.map((argument, i) => ({
      name: argument.name(),
      meaning: argument.description,
      value: verb.args[i],
    })),
    ...verb.options.map((option) => ({
      name: option.flags.replace(/ [<[].*/, ""),
      meaning: option.description,
      value: verb.getOptionValue(option.attributeName()),
    })),
  ];
  const empty = values.find(({ name, value }) => !mayBeEmpty.has(name) && [value].flat().includes(""));
  if (empty === undefined) return;
  throw new ScaloraError("usage", `${empty.name} is empty`, {
    expected: empty.meaning,
    found: '""',
    fix: "give it a value; a shell's variable in its place may not be set",
  });
}
