import { createContext, Script } from "node:vm";

/** For all expressions of a file or a section together: more than any few names take, however busy the machine. */
const mostMilliseconds = 1000;

const context = createContext();
const script = new Script(`
for (const text of texts) {
  progress.text = text;
  const match = expressions.findIndex((expression, i) => {
    progress.expression = expression;
    return expression.test(text);
  });
  matches.push(match);
}`);

/** The time for all matches together was used up. */
export class MatchTimeout extends Error {
  /** The expression that was being matched. */
  readonly expression: RegExp;

  constructor(expression: RegExp, text: string, cause: unknown) {
    super(`matching takes longer than a second, on ${JSON.stringify(text)} at last`, { cause });
    this.name = "MatchTimeout";
    this.expression = expression;
  }
}

/** A second for matching the regular expressions of one file or section, some of which may be made to take for ever. */
export class MatchTime {
  private left = mostMilliseconds;
  /** What is, or was at last, matched. */
  private readonly progress = { expression: /(?:)/, text: "" };

  /**
   * For each text the index of the first expression that matches it, or -1.
   * @throws MatchTimeout when all calls together take longer than a second; what a match itself throws
   */
  firstMatches(expressions: readonly RegExp[], texts: readonly string[]): number[] {
    if (this.left <= 0) throw this.timeout();
    const matches: number[] = [];
    Object.assign(context, { expressions, texts, matches, progress: this.progress });
    const started = performance.now();
    try {
      script.runInContext(context, { timeout: Math.ceil(this.left) });
      return matches;
    } catch (cause) {
      throw isTimeout(cause) ? this.timeout(cause) : cause;
    } finally {
      this.left -= performance.now() - started;
    }
  }

  private timeout(cause?: unknown): MatchTimeout {
    return new MatchTimeout(this.progress.expression, this.progress.text, cause);
  }
}

// Not by `instanceof`: the error is one of the other context.
const isTimeout = (error: unknown) =>
  typeof error === "object" &&
  error !== null &&
  "code" in error &&
  error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
