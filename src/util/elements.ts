import { internalError } from "./errors.ts";

/** An element that must be there; `internal` when the index is outside the list. */
export function elementAt<T>(list: ArrayLike<T>, index: number): T {
  const element = list[index];
  if (element === undefined) throw internalError(`no element ${index} in a list of ${list.length}`);
  return element;
}

/** A value that must be there; `internal`, with the words given, when it is undefined. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw internalError(`${what} is missing`);
  return value;
}

/** Pairs of the elements at the same index of two lists of equal length. */
export function zip<A, B>(first: Iterable<A>, second: ArrayLike<B>): [A, B][] {
  const pairs = Array.from(first, (item, i): [A, B] => [item, elementAt(second, i)]);
  if (pairs.length !== second.length)
    throw internalError(`a list of ${pairs.length} against one of ${second.length}`);
  return pairs;
}

/** The largest of any number of values, -Infinity of none; `Math.max(...values)` fails above some hundred thousand. */
export function largestOf(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
}

/** `items.map(convert)`, with as many results in its type as there are items. */
export function mapTuple<const Items extends readonly unknown[], Result>(
  items: Items,
  convert: (item: Items[number], index: number) => Result,
): { -readonly [Index in keyof Items]: Result };
export function mapTuple(
  items: readonly unknown[],
  convert: (item: unknown, index: number) => unknown,
): unknown[] {
  return items.map(convert);
}

/** The first `count` elements, which must be there, to be taken apart. */
export function takeFirst<T>(list: readonly T[], count: 2): [T, T];
export function takeFirst<T>(list: readonly T[], count: 3): [T, T, T];
export function takeFirst<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => elementAt(list, i));
}
