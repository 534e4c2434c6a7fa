import { ScaloraError } from "./errors.ts";
import { quote } from "./quote.ts";

/** Characters of a detail in one line, and of what is wrong and what to do. */
const [maxDetail, maxText] = [100, 300];

/** An error of which another process says the same at length: in one line, its details shortened, but not what to do. */
export function errorInOneLine(error: Error): string {
  const short = (text: string, most: number) => quote(text.replaceAll(/\s+/g, " "), most);
  if (!(error instanceof ScaloraError)) return short(error.message, maxText);
  const [what = ""] = error.message.split(/\n {2}(?:where|expected|found|fix): /);
  const { where, expected, found, fix } = error;
  const details = Object.entries({ where, expected, found, fix }).flatMap(([name, text]) =>
    text === undefined ? [] : [`${name}: ${short(text, name === "fix" ? maxText : maxDetail)}`],
  );
  return [short(what, maxText), ...details].join("; ");
}
