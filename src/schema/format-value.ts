import { inspect } from "node:util";

/** A value in one short line, texts without quotes. */
export function formatValue(value: unknown): string {
  const text = textOf(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** A found value with its kind, so that `"8"` and `8` look different. */
export function formatFoundValue(value: unknown): string {
  if (value === null) return "nothing (null)";
  if (typeof value === "string") return `"${formatValue(value)}" (text)`;
  return formatValue(value);
}

/** As JSON, where JSON says it: it has no numbers such as NaN, and nothing that holds itself. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_, each: unknown) => (typeof each === "number" ? numberOf(each) : each));
  } catch {
    return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 2 });
  }
}

const numberOf = (value: number) => (Number.isFinite(value) ? value : String(value));
