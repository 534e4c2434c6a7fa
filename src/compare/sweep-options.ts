import { adapterListOptions } from "../config/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { type Candidate, rateCandidates, type SweptValue } from "./candidates.ts";

/** Keys of an adapter section: those that all trials share, and the options whose values are swept. */
export interface SweptSection {
  readonly fixed: Readonly<Record<string, unknown>>;
  /** The values to try by the option's path: `scale.lipschitz`. */
  readonly swept: ReadonlyMap<string, readonly SweptValue[]>;
}

/**
 * Separates the options that are swept: a list where the option takes a single value, as in `{scale: {lipschitz: [10, 30]}}`.
 * @param where of the section, for messages
 * @throws ScaloraError `usage` for a list that is empty, repeats a value, or holds more than numbers, texts, true and false; for
 * fixed keys beside swept ones within an option
 */
export function splitSweep(section: Readonly<Record<string, unknown>>, where: string): SweptSection {
  const lists = adapterListOptions();
  const swept = new Map<string, readonly SweptValue[]>();
  const entries = Object.entries(section).flatMap(([key, value]): [string, unknown][] => {
    if (lists.has(key)) return [[key, value]];
    const rest = takeLists(value, key, swept, where);
    return rest === undefined ? [] : [[key, rest]];
  });
  const fixed = Object.fromEntries(entries);
  const mixed = [...swept.keys()].find((path) => Object.hasOwn(fixed, path.split(".")[0] ?? path));
  if (mixed === undefined) return { fixed, swept };
  throw new ScaloraError("usage", `${mixed} is swept beside keys that are not`, {
    where,
    expected: "an option whose keys are all swept, or none",
    found: JSON.stringify(section[mixed.split(".")[0] ?? mixed]),
    fix: "write each of its values as a list, if only of one",
  });
}

/** What is left of a value without its lists, which go into `swept`; undefined when nothing is. */
function takeLists(value: unknown, path: string, swept: Map<string, readonly SweptValue[]>, where: string) {
  if (Array.isArray(value)) {
    swept.set(path, checkValues(value, path, where));
    return undefined;
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const rest: unknown = takeLists(inner, `${path}.${key}`, swept, where);
    return rest === undefined ? [] : [[key, rest]];
  });
  return entries.length === 0 && Object.keys(value).length > 0 ? undefined : Object.fromEntries(entries);
}

function checkValues(values: readonly unknown[], path: string, where: string): SweptValue[] {
  const known = values.filter(isSweptValue);
  if (known.length > 0 && known.length === values.length && new Set(known).size === known.length)
    return known.every((value) => typeof value === "number") ? known.toSorted((a, b) => a - b) : known;
  throw new ScaloraError("usage", `The sweep of ${path} is not a list of values to try`, {
    where,
    expected: "different numbers or words, such as [10, 30, 100]",
    found: JSON.stringify(values),
  });
}

const isSweptValue = (value: unknown): value is SweptValue =>
  ["number", "string", "boolean"].includes(typeof value);

/** Every rate with every combination of the swept values. */
export function candidatesOf(lrs: readonly number[], swept: SweptSection["swept"]): Candidate[] {
  let candidates = rateCandidates(lrs);
  for (const [path, values] of swept)
    candidates = candidates.flatMap(({ lr, options }) =>
      values.map((value) => ({ lr, options: { ...options, [path]: value } })),
    );
  return candidates;
}
