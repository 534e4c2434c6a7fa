import { createContext, Script } from "node:vm";

/** More than any expression of a few names takes, however busy the machine. */
const mostMilliseconds = 1000;

const context = createContext();
const script = new Script("expression.test(text)");

/**
 * Whether an expression from a file matches a text: `expression.test(text)`, which for some expressions takes for ever.
 * @throws Error in plain words after a second; what the match itself throws
 */
export function testWithinTime(expression: RegExp, text: string): boolean {
  Object.assign(context, { expression, text });
  try {
    return Boolean(script.runInContext(context, { timeout: mostMilliseconds }));
  } catch (cause) {
    if (!isTimeout(cause)) throw cause;
    throw new Error(`it takes longer than a second on ${JSON.stringify(text)}`, { cause });
  }
}

// Not by `instanceof`: the error is one of the other context.
const isTimeout = (error: unknown) =>
  typeof error === "object" &&
  error !== null &&
  "code" in error &&
  error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
