import { inspect } from "node:util";

/** A value in one short line, texts without quotes. */
export function formatValue(value: unknown): string {
  const text = typeof value === "string" ? value : textOf(value).replaceAll(/\s+/g, " ");
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
  if (typeof value !== "object" || value === null) return String(value);
  try {
    const numbers = (_: string, each: unknown) => (typeof each === "number" ? numberOf(each) : each);
    // Undefined of a value whose toJSON() gives nothing, whatever its type says.
    const text: string | undefined = JSON.stringify(value, numbers);
    return text ?? String(value);
  } catch {
    return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 2 });
  }
}

const numberOf = (value: number) => (Number.isFinite(value) ? value : String(value));
