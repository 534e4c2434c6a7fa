import { createContext, Script } from "node:vm";

/** More than any expression of a few names takes, however busy the machine. */
const mostMilliseconds = 1000;

const context = createContext();
const script = new Script("expression.test(text)");

/**
 * Whether an expression from a file matches a text: `expression.test(text)`, which for some expressions takes for ever.
 * @throws Error in plain words after a second
 */
export function testWithinTime(expression: RegExp, text: string): boolean {
  Object.assign(context, { expression, text });
  try {
    return Boolean(script.runInContext(context, { timeout: mostMilliseconds }));
  } catch (cause) {
    throw new Error(`it takes longer than a second on ${JSON.stringify(text)}`, { cause });
  }
}
