import { NotUnderstood } from "./limits.ts";

/** Names of units, with their other spellings; a plural's `s` is taken off before. */
const spellings: Readonly<Record<string, string>> = {
  mm: "millimeter millimetre",
  cm: "centimeter centimetre",
  dm: "decimeter decimetre",
  m: "meter metre",
  km: "kilometer kilometre",
  in: "inch inche",
  ft: "foot feet",
  yd: "yard",
  mi: "mile",
  mg: "milligram",
  g: "gram gm",
  kg: "kilogram",
  lb: "pound",
  oz: "ounce",
  ml: "milliliter millilitre",
  l: "liter litre",
  gal: "gallon",
  s: "second sec",
  min: "minute",
  h: "hour hr",
  day: "",
  week: "",
  month: "",
  year: "yr",
  "mi/h": "mph",
  dollar: "usd",
  cent: "",
  "°": "degree deg",
  "%": "percent percentage",
};

const nameOf = new Map(
  Object.entries(spellings).flatMap(([name, others]) =>
    [name, ...others.split(" ").filter((word) => word !== "")].map((word): [string, string] => [word, name]),
  ),
);

const isIgnored = (word: string) => /^(?:the|a|an|st|nd|rd|th|each)$/.test(word);

/** A name in the singular: `tickets` is ticket, `buses` bus, `cities` city. What is no English word only has to be the same. */
const singular = (noun: string) =>
  noun.length < 4
    ? noun
    : noun
        .replace(/ies?$/, "y")
        .replace(/([sxz]|[cs]h)es?$/, "$1")
        .replace(/(?<![su])s$/, "");

const knownName = (word: string) => nameOf.get(word) ?? nameOf.get(word.replace(/s$/, ""));

/** Whether letters after a value are a unit of measure. */
export const isUnitWord = (word: string) => word.length > 1 && knownName(word) !== undefined;

const powers: ReadonlyMap<string, string> = new Map([
  ["square", "^2"],
  ["sq", "^2"],
  ["squared", "^2"],
  ["cubic", "^3"],
  ["cubed", "^3"],
]);

/** Words before a unit that multiply the number before them. */
const multiples: ReadonlyMap<string, bigint> = new Map([
  ["dozen", 12n],
  ["hundred", 100n],
  ["thousand", 1000n],
  ["million", 1_000_000n],
  ["billion", 1_000_000_000n],
  ["trillion", 1_000_000_000_000n],
]);

/** Words that change what a number says, so that it is not an amount of something. */
const changingWords = new Set(
  `to out of by from at is are was if when but so or and not no than over more less least most about r remainder mod modulo
  plus minus times divided factorial base half halves third fourth fifth sixth seventh eighth ninth tenth hundredth
  thousandth dozen hundred thousand million billion trillion score gross double triple twice`.split(/\s+/),
);

/** A longer description of what is counted is more likely a sentence. */
const maxNouns = 2;

export interface Unit {
  /** In one spelling; undefined for words that say nothing, such as `units`. */
  readonly name: string | undefined;
  /** What the number before it is multiplied with: 1,000 of `thousand dollars`. */
  readonly factor: bigint;
}

/**
 * A unit in one spelling: `square meters` and `m^2` are `m^2`, `miles per hour` is `mi/h`. Up to two words that are no unit of
 * measure stay, in the singular.
 * @throws NotUnderstood for other words and signs
 */
export function unitOf(words: string): Unit {
  const parts = words
    .toLowerCase()
    .replace(/\bper\b/g, "/")
    .replace(/\^\s*(?:\{\s*(\d)\s*\}|(\d))(?!\s*\d)/g, " ^$1$2 ")
    .split(/(\/)|[\s.()-]+/)
    .filter((part) => part !== undefined && part !== "");
  const start = parts[0] === "dollar" ? 1 : 0;
  let end = start;
  let factor = 1n;
  for (let times = multiples.get(parts[end] ?? ""); times !== undefined; ) {
    factor *= times;
    times = multiples.get(parts[++end] ?? "");
  }
  return { name: nameOfUnit(parts.toSpliced(start, end - start)), factor };
}

function nameOfUnit(parts: readonly string[]): string | undefined {
  const nouns = parts.filter((part) => /\p{L}/u.test(part) && !isPartOfMeasure(part));
  if (nouns.length > (parts.includes("in") ? 0 : maxNouns)) throw new NotUnderstood("a description");
  let unit = "";
  let power = "";
  for (const part of parts) {
    const before = powers.get(part);
    if (/^(?:\^\d|squared|cubed)$/.test(part)) {
      if (unit === "") throw new NotUnderstood("a power of no unit");
      unit += before ?? part;
    } else if (before !== undefined) power = before;
    else if (part === "/") unit += part;
    else if (!isIgnored(part)) {
      unit += (unit === "" || unit.endsWith("/") ? "" : " ") + unitName(part) + power;
      power = "";
    }
  }
  if (power !== "") throw new NotUnderstood("a power of no unit");
  return unit === "" || unit === "unit" ? undefined : unit;
}

const isPartOfMeasure = (part: string) =>
  powers.has(part) || isIgnored(part) || /^units?$/.test(part) || knownName(part) !== undefined;

/** @throws NotUnderstood for what is neither a unit of measure nor a noun */
function unitName(word: string): string {
  const known = knownName(word);
  if (known !== undefined) return known;
  const noun = singular(word);
  if (!/^\p{L}+$/u.test(word) || changingWords.has(word) || changingWords.has(noun))
    throw new NotUnderstood("words that are no unit");
  return noun;
}
