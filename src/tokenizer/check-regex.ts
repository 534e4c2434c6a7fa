/**
 * Why the `tokenizers` library may need too many tries to match a regular expression: it then ends the process (its engine,
 * Oniguruma, gives up after ten million tries, which the library does not catch). Undefined where the tries for one place of a
 * text cannot be more than in proportion to the text: then at most one unlimited repetition stands before something that can fail.
 */
export function regexFault(pattern: string): string | undefined {
  try {
    const { tries, choices } = new RegexReader(pattern).read();
    return tries > 1 || choices > mostChoices ? `${pattern}, which may be tried for ever` : undefined;
  } catch (error) {
    if (!(error instanceof UnknownSyntax)) throw error;
    return `${pattern}: ${error.message}`;
  }
}

/** Ways to match what has no unlimited repetition. */
const mostChoices = 1_000_000;

/** More repetitions than this count as unlimited. */
const fewRepetitions = 16;

class UnknownSyntax extends Error {}

/** What a part of an expression may cost. */
interface Cost {
  /** Most unlimited repetitions that stand before something that can fail. */
  readonly tries: number;
  /** Unlimited repetitions that a failure after the part goes back into; those within each other count without end. */
  readonly open: number;
  /** Ways to match the part but for unlimited repetitions. */
  readonly choices: number;
  /** Whether it matches without fail: nothing, if need be. */
  readonly isOptional: boolean;
}

/** A character, a class, an anchor: matches or fails, in one way. */
const atom: Cost = { tries: 0, open: 0, choices: 1, isOptional: false };
const nothing: Cost = { ...atom, isOptional: true };

/** `a`, then `b`. */
function inSequence(a: Cost, b: Cost): Cost {
  return {
    tries: Math.max(a.tries, b.tries === 0 && b.isOptional ? 0 : a.open + b.tries),
    open: a.open + b.open,
    choices: a.choices * b.choices,
    isOptional: a.isOptional && b.isOptional,
  };
}

/** `a` or else `b`. */
function either(a: Cost, b: Cost): Cost {
  return {
    tries: Math.max(a.tries, b.tries),
    open: Math.max(a.open, b.open),
    choices: a.choices + b.choices,
    isOptional: a.isOptional || b.isOptional,
  };
}

/** No failure goes back into an atomic part: a look around, or what is repeated possessively. */
const atomic = (part: Cost): Cost => ({ ...part, open: 0, choices: 1 });

function repeated(part: Cost, least: number, most: number): Cost {
  const isOptional = least === 0 || part.isOptional;
  if (most - least > fewRepetitions) {
    const isRigid = part.open === 0 && part.choices === 1 && !part.isOptional;
    return { ...part, open: isRigid ? 1 : Number.POSITIVE_INFINITY, choices: 1, isOptional };
  }
  const choices = part.choices ** most;
  if (part.open > 0 && most > 1) return { ...part, open: Number.POSITIVE_INFINITY, choices, isOptional };
  return { ...part, choices: choices * (most - least + 1), isOptional };
}

/** Reads Oniguruma's syntax, as far as tokenizers use it. */
class RegexReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  read(): Cost {
    const cost = this.alternatives();
    if (this.at < this.text.length) throw new UnknownSyntax("a bracket that nothing opens");
    return cost;
  }

  private alternatives(): Cost {
    let cost = this.sequence();
    while (this.take(/\|/y)) cost = either(cost, this.sequence());
    return cost;
  }

  private sequence(): Cost {
    let cost = nothing;
    while (this.at < this.text.length && !/[|)]/.test(this.text.charAt(this.at)))
      cost = inSequence(cost, this.quantified());
    return cost;
  }

  private quantified(): Cost {
    let part = this.single();
    for (;;) {
      const [, sign, least, comma, most] = this.take(/([*+?])|\{(\d*)(,?)(\d*)\}/y) ?? [];
      if (sign !== undefined) {
        part = repeated(part, sign === "+" ? 1 : 0, sign === "?" ? 1 : Number.POSITIVE_INFINITY);
        // Of intervals a further sign is a repetition of its own.
        if (this.take(/[?+]/y)?.[0] === "+") part = atomic(part);
      } else if (least !== undefined) {
        const end = comma === "" ? least : most;
        part = repeated(part, Number(least), end === "" ? Number.POSITIVE_INFINITY : Number(end));
        this.take(/\?/y);
      } else return part;
    }
  }

  private single(): Cost {
    if (this.take(/\(/y)) return this.group();
    if (this.take(/\[/y)) return this.characterClass();
    if (this.take(/\\[1-9kg]/y)) throw new UnknownSyntax("a reference to a group is not supported");
    if (this.take(/\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\x[0-9a-fA-F]{1,2}|\\u[0-9a-fA-F]{4}|\\?[\s\S]/y))
      return atom;
    throw new UnknownSyntax("it ends early");
  }

  private group(): Cost {
    if (this.take(/\?#[^)]*\)/y)) return nothing;
    // Flags that hold for the rest of the group.
    if (this.take(/\?[im-]*\)/y)) return nothing;
    const start = this.take(/\?(?:[im-]*:|<?[=!]|>|<[\p{L}_][\p{L}\p{N}_]*>)|(?![?*])/uy)?.[0];
    if (start === undefined) throw new UnknownSyntax("a group of this kind is not supported");
    const cost = this.alternatives();
    if (!this.take(/\)/y)) throw new UnknownSyntax("a group that does not end");
    if (/[=!]/.test(start)) return { ...atomic(cost), isOptional: false };
    return start === "?>" ? atomic(cost) : cost;
  }

  private characterClass(): Cost {
    this.take(/\^?\]?/y);
    for (let depth = 1; depth > 0; ) {
      const [piece] = this.take(/\\?[\s\S]/y) ?? [];
      if (piece === undefined) throw new UnknownSyntax("a class that does not end");
      if (piece === "[") depth += 1;
      if (piece === "]") depth -= 1;
    }
    return atom;
  }

  /** Takes what a sticky expression matches here. */
  private take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.at;
    const match = expression.exec(this.text);
    if (match === null) return undefined;
    this.at = expression.lastIndex;
    return match;
  }
}
