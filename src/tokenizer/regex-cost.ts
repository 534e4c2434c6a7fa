/** A number of tries: some, and some for each character that is left of the text. */
export interface Tries {
  readonly fixed: number;
  readonly perCharacter: number;
}

/**
 * Upper bounds of what a part of an expression takes a backtracking matcher at one place of a text. What is tried again and
 * again for each character of each of several repetitions is infinite.
 */
export interface PartCost {
  /** Ways in which the part can match: so often is what follows tried. */
  readonly ways: Tries;
  /** Tries until the part has matched in the first way, without those that `perConsumed` counts. */
  readonly first: Tries;
  /** Tries for each character that the first way consumes. */
  readonly perConsumed: number;
  /** Tries for all ways together. */
  readonly all: Tries;
  /** Tries where the part does not match. */
  readonly fail: Tries;
  /** Whether there are places where it does not match. */
  readonly canFail: boolean;
  /** Characters that it consumes at least. */
  readonly length: number;
}

const tries = (fixed: number, perCharacter = 0): Tries => ({ fixed, perCharacter });

const plus = (a: Tries, b: Tries): Tries => tries(a.fixed + b.fixed, a.perCharacter + b.perCharacter);

const most = (a: Tries, b: Tries): Tries =>
  tries(Math.max(a.fixed, b.fixed), Math.max(a.perCharacter, b.perCharacter));

function times(a: Tries, b: Tries): Tries {
  if (a.perCharacter > 0 && b.perCharacter > 0) return endless;
  return tries(
    product(a.fixed, b.fixed),
    product(a.fixed, b.perCharacter) + product(a.perCharacter, b.fixed),
  );
}

/** Nothing, however often, is nothing. */
const product = (a: number, b: number) => (a === 0 || b === 0 ? 0 : a * b);

const endless = tries(Number.POSITIVE_INFINITY);
const zero = tries(0);
const one = tries(1);

const isRigid = ({ ways }: PartCost) => ways.fixed === 1 && ways.perCharacter === 0;

/** What matches nothing, without fail. */
export const nothing: PartCost = {
  ways: one,
  first: zero,
  all: zero,
  fail: zero,
  perConsumed: 0,
  canFail: false,
  length: 0,
};

/** A character, a class, or an anchor, which consumes nothing. */
export function single(length: number, step: number): PartCost {
  return { ...nothing, first: tries(step), all: tries(step), fail: one, canFail: true, length };
}

/** `a`, then `b`. */
export function inSequence(a: PartCost, b: PartCost): PartCost {
  const isDirect = isRigid(a) || !b.canFail;
  const allFail = b.canFail ? most(a.fail, plus(a.all, times(a.ways, b.fail))) : a.fail;
  const allMatch = isRigid(a) ? b.all : times(a.ways, most(b.all, b.fail));
  return {
    ways: times(a.ways, b.ways),
    first: plus(isDirect ? a.first : allFail, b.first),
    perConsumed: Math.max(a.perConsumed, b.perConsumed),
    all: plus(a.all, allMatch),
    fail: allFail,
    canFail: a.canFail || b.canFail,
    length: a.length + b.length,
  };
}

/** `a`, or else `b`. */
export function either(a: PartCost, b: PartCost): PartCost {
  return {
    ways: plus(a.ways, b.ways),
    first: most(a.first, plus(a.fail, b.first)),
    perConsumed: Math.max(a.perConsumed, b.perConsumed),
    all: plus(most(a.all, a.fail), most(b.all, b.fail)),
    fail: plus(a.fail, b.fail),
    canFail: a.canFail && b.canFail,
    length: Math.min(a.length, b.length),
  };
}

/** A part without its further ways: `(?>…)`, `…*+`. */
export function atomic(part: PartCost): PartCost {
  return { ...part, ways: one, all: matched(part) };
}

/** All tries for the first way. */
const matched = ({ first, perConsumed }: PartCost) => plus(first, tries(0, perConsumed));

/** `(?=…)`, `(?<=…)`, and the negative ones. */
export function lookAround(part: PartCost, isNegative: boolean): PartCost {
  const [matches, fails] = isNegative ? [part.fail, plus(matched(part), one)] : [matched(part), part.fail];
  return { ...nothing, first: matches, all: matches, fail: fails, canFail: true };
}

/** A part `least` to `most` times; `most` may be infinite, where the part consumes something. */
export function repeated(part: PartCost, least: number, most: number): PartCost {
  let rest = most === Number.POSITIVE_INFINITY ? unlimited(part) : nothing;
  if (most !== Number.POSITIVE_INFINITY)
    for (let i = least; i < most; i++) rest = either(inSequence(part, rest), nothing);
  for (let i = 0; i < least; i++) rest = inSequence(part, rest);
  return rest;
}

/**
 * A part as often as it matches. Where nothing that follows fails, each repetition is tried once, and all of them share the
 * characters that they consume. Otherwise each repetition may be taken back, in all its ways.
 */
function unlimited(part: PartCost): PartCost {
  const { first, fail, length } = part;
  const isSteady = first.perCharacter === 0;
  const perConsumed = isSteady ? part.perConsumed + first.fixed / length : Number.POSITIVE_INFINITY;
  return {
    ways: isRigid(part) ? tries(1, 1 / length) : endless,
    first: fail,
    perConsumed,
    all: isRigid(part) ? plus(fail, tries(0, perConsumed)) : endless,
    fail: zero,
    canFail: false,
    length: 0,
  };
}

/** What an expression takes at one place, whether it matches there or not. */
export function triesAtPlace(whole: PartCost): Tries {
  return most(whole.fail, matched(whole));
}
