import { messageOf } from "../src/util/errors.ts";
import { nearestName } from "../src/util/nearest-name.ts";
import { isWithinLimits, limitsText, type NumberLimits } from "../src/util/number-limits.ts";
import { quote } from "../src/util/quote.ts";

/**
 * The options of a long form of the tests, read from the command line. With `--help`, or after an error of `read`, it prints the
 * usage and ends the process: with 0 or 2.
 */
export function readOptions<T>(usage: string, read: () => T): T {
  if (process.argv.some((argument) => argument === "--help" || argument === "-h")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return read();
  } catch (error) {
    console.error(`error: ${quote(messageOf(error))}\n\n${usage}`);
    process.exit(2);
  }
}

/** The number that an option has. @throws Error beyond the limits */
export function numberOption(name: string, text: string, limits: NumberLimits): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (isWithinLimits(value, limits)) return value;
  throw new Error(`--${name}: expected ${limitsText(limits)}, found "${text}"`);
}

/** The one of some values that an option names. @throws Error for another name */
export function namedOption<T extends { readonly name: string }>(
  option: string,
  name: string,
  known: readonly T[],
): T {
  const found = known.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = known.map((each) => each.name);
  const near = nearestName(name, names);
  const hint = near === undefined ? `expected one of ${names.join(", ")}` : `did you mean ${near}?`;
  throw new Error(`--${option}: there is no "${name}"; ${hint}`);
}
