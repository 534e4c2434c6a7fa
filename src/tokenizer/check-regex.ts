import {
  atomic,
  either,
  inSequence,
  lookAround,
  nothing,
  type PartCost,
  repeated,
  single,
  triesAtPlace,
} from "./regex-cost.ts";

/**
 * Longest text in UTF-16 code units for the expressions that `regexFault` lets through. Oniguruma, the engine of the `tokenizers`
 * library, gives up after ten million failed tries at one place, and the library then ends the process.
 */
export const longestText = 1 << 21;

/** Failed tries at one place, for each character of the text after it: in the longest text, fewer than ten million. */
const mostFailures = 4.5;
/** Steps at one place, failed or not: in all, and for each character of the text after it. */
const [mostSteps, mostStepsPerCharacter] = [2000, 20];

/** Most characters of an expression, brackets within each other, and repetitions in `{n,m}`. */
const [longestExpression, deepest, mostRepetitions] = [10_000, 30, 1000];

/**
 * Why a regular expression is refused, if it is: because the `tokenizers` library might match it for ever or end the process.
 * Known are alternatives, groups, look-arounds, classes and repetitions as published tokenizers use them.
 */
export function regexFault(pattern: string): string | undefined {
  if (pattern.length > longestExpression)
    return `${pattern}, which has more than ${longestExpression} characters`;
  try {
    const steps = triesAtPlace(new RegexReader(pattern, 1).read());
    const failures = triesAtPlace(new RegexReader(pattern, 0).read());
    const isBounded =
      steps.fixed <= mostSteps &&
      steps.perCharacter <= mostStepsPerCharacter &&
      failures.perCharacter <= mostFailures;
    return isBounded ? undefined : `${pattern}, which may be tried for ever`;
  } catch (error) {
    if (!(error instanceof UnknownSyntax)) throw error;
    return `${pattern}: ${error.message}`;
  }
}

const unlimited = Number.POSITIVE_INFINITY;

class UnknownSyntax extends Error {}

/** Where in an expression the reader is. */
interface Surroundings {
  readonly depth: number;
  /** Letters match in either case. */
  readonly foldsCase: boolean;
  /** A look-behind, in which nothing is repeated. */
  readonly isBehind: boolean;
}

/** Reads Oniguruma's syntax, as far as published tokenizers use it. */
class RegexReader {
  private readonly text: string;
  private readonly step: number;
  private at = 0;

  /** @param step what a step that does not fail counts as */
  constructor(text: string, step: 0 | 1) {
    this.text = text;
    this.step = step;
  }

  read(): PartCost {
    const cost = this.alternatives({ depth: 0, foldsCase: false, isBehind: false });
    if (this.at < this.text.length) throw new UnknownSyntax("a bracket that nothing opens");
    return cost;
  }

  private alternatives(within: Surroundings): PartCost {
    let cost = this.sequence(within);
    while (this.take(/\|/y) !== undefined) cost = either(cost, this.sequence(within));
    return cost;
  }

  private sequence(within: Surroundings): PartCost {
    let cost = nothing;
    while (this.at < this.text.length && !/[|)]/.test(this.text.charAt(this.at)))
      cost = inSequence(cost, this.quantified(within));
    return cost;
  }

  private quantified(within: Surroundings): PartCost {
    const part = this.single(within);
    const sign = this.take(/[*+?]/y);
    const interval = sign === undefined ? this.take(/\{\d+(?:,\d*)?\}/y) : undefined;
    if (sign === undefined && interval === undefined) return part;
    if (within.isBehind) throw new UnknownSyntax("a repetition in a look-behind is not supported");
    const suffix = this.take(/[?+]/y);
    if (sign !== undefined) {
      const cost = this.repeated(part, sign === "+" ? 1 : 0, sign === "?" ? 1 : unlimited);
      return suffix === "+" ? atomic(cost) : cost;
    }
    const [least = 0, most = least] =
      interval?.match(/\d+|,(?=\})/g)?.map((end) => (end === "," ? unlimited : Number(end))) ?? [];
    const cost = this.repeated(part, least, most);
    // What follows {n} is a repetition of its own, and so is the + of any interval.
    if (suffix === "+") return this.repeated(cost, 1, unlimited);
    return suffix === "?" && least === most ? either(cost, nothing) : cost;
  }

  private repeated(part: PartCost, least: number, most: number): PartCost {
    if (least > most) throw new UnknownSyntax("an interval that ends below its start is not supported");
    if (Math.max(least, most === unlimited ? 0 : most) > mostRepetitions)
      throw new UnknownSyntax(`more than ${mostRepetitions} repetitions are not supported`);
    if (most > 1 && part.length === 0)
      throw new UnknownSyntax("a repetition of what may match nothing is not supported");
    return repeated(part, least, most);
  }

  private single(within: Surroundings): PartCost {
    if (this.take(/\(/y) !== undefined) return this.group(within);
    if (within.foldsCase) return this.foldedSingle();
    if (this.take(/\[/y) !== undefined) return this.characterClass();
    if (this.take(/[\^$]|\\[AbBzZ]/y) !== undefined) return single(0, this.step);
    const escaped =
      /\\(?:[sSdDwWrntf]|[pP]\{\^?[\w ]+\}|x[0-7][\da-fA-F]|x\{[\da-fA-F]{1,6}\}|u[\da-fA-F]{4}|[ -/:-@[-`{-~])/y;
    if (this.take(escaped) !== undefined) return single(1, this.step);
    if (this.take(/[^\\*+?{()[|]/uy) !== undefined) return single(1, this.step);
    throw this.unknown();
  }

  /**
   * In either case, what is beyond ASCII may match one character here and two or three there (ß, ss), and so is not supported;
   * three letters may match one character (ﬄ).
   */
  private foldedSingle(): PartCost {
    if (this.take(/[A-Za-z' ]|\[[A-Za-z' ]+\]/y) !== undefined) return single(1 / 3, this.step);
    throw this.unknown();
  }

  private group({ depth, foldsCase, isBehind }: Surroundings): PartCost {
    const start = this.take(/\?(?:i?:|>|<?[=!])|(?![?*])/y);
    if (start === undefined) throw new UnknownSyntax("a group of this kind is not supported");
    if (depth === deepest) throw new UnknownSyntax(`brackets are nested more than ${deepest} deep`);
    const cost = this.alternatives({
      depth: depth + 1,
      foldsCase: foldsCase || start === "?i:",
      isBehind: isBehind || start.startsWith("?<"),
    });
    if (this.take(/\)/y) === undefined) throw new UnknownSyntax("a group that does not end");
    if (/[=!]$/.test(start)) return lookAround(cost, start.endsWith("!"));
    return start === "?>" ? atomic(cost) : cost;
  }

  private characterClass(): PartCost {
    this.take(/\^/y);
    if (this.take(/\]/y) !== undefined)
      throw new UnknownSyntax("a class that begins with ] is not supported");
    for (let depth = 1; depth > 0; ) {
      const piece = this.take(/\\[^cCM\n]|[^\\]/uy);
      if (piece === undefined) throw this.unknown();
      if (piece === "[") depth += 1;
      if (piece === "]") depth -= 1;
    }
    return single(1, this.step);
  }

  private unknown(): UnknownSyntax {
    const rest = this.text.slice(this.at, this.at + 10);
    return new UnknownSyntax(rest === "" ? "it ends early" : `${rest} is not supported`);
  }

  /** Takes what a sticky expression matches here. */
  private take(expression: RegExp): string | undefined {
    expression.lastIndex = this.at;
    const match = expression.exec(this.text);
    if (match === null) return undefined;
    this.at = expression.lastIndex;
    return match[0];
  }
}
