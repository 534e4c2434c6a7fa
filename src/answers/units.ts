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

const isIgnored = (word: string) => /^(?:units?|of|the|a|an|st|nd|rd|th|each)$/.test(word);

/** `meters` is m, `tickets` is ticket. */
function unitName(word: string): string {
  const found = nameOf.get(word) ?? nameOf.get(word.replace(/s$/, ""));
  return found ?? (word.length > 3 ? word.replace(/s$/, "") : word);
}

/** Whether letters after a value are a unit of measure. */
export const isUnitWord = (word: string) => word.length > 1 && nameOf.has(unitName(word));

const powers: Readonly<Record<string, string>> = {
  square: "^2",
  sq: "^2",
  squared: "^2",
  cubic: "^3",
  cubed: "^3",
};

/**
 * A unit in one spelling: `square meters` and `m^2` are `m^2`, `miles per hour` is `mi/h`; undefined for words that say
 * nothing, such as `units`. Words that are no unit of measure stay, without a plural's `s`.
 */
export function unitOf(words: string): string | undefined {
  const parts = words
    .toLowerCase()
    .replace(/\bper\b/g, "/")
    .replace(/\^\s*\{?\s*(\d)\s*\}?/g, " ^$1 ")
    .split(/([/\s.()-]+)/)
    .map((part) => part.replace(/[\s.()-]/g, ""))
    .filter((part) => part !== "");
  let unit = "";
  let power = "";
  for (const part of parts) {
    const before = powers[part];
    if (before !== undefined && /(?:ed)$/.test(part)) unit += before;
    else if (before !== undefined) power = before;
    else if (isIgnored(part)) power = "";
    else if (part === "/" || part.startsWith("^")) unit += unit === "" ? "" : part;
    else {
      const separator = unit === "" || unit.endsWith("/") ? "" : " ";
      unit += separator + unitName(part) + power;
      power = "";
    }
  }
  return unit === "" ? undefined : unit;
}
