/** A value in one short line, texts without quotes. */
export function formatValue(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** A found value with its kind, so that `"8"` and `8` look different. */
export function formatFoundValue(value: unknown): string {
  if (value === null) return "nothing (null)";
  if (typeof value === "string") return `"${formatValue(value)}" (text)`;
  return formatValue(value);
}
