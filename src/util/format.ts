/** `[2, 3]` as torch prints shapes. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** 1234567 as `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** `1 row`, `1,234 rows`. */
export function formatCountOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** The problems of an error: one by itself, or a line each, the first of them on the line of its label, and the number of the others. */
export function formatProblems(problems: readonly string[], most = problems.length): string {
  const [only, ...others] = problems;
  if (only !== undefined && others.length === 0) return only;
  const lines = problems.slice(0, most).map((problem) => `- ${problem}`);
  if (problems.length > most) lines.push(`… and ${formatCount(problems.length - most)} more`);
  return lines.join("\n");
}

/** Bytes in binary units: `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** Seconds as `4.2 s`, `3 min 05 s` or `2 h 03 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours} h ${two(minutes)} min` : `${minutes} min ${two(rest)} s`;
}

/** The seconds of a step as `45.7 ms` or `3.09 s`; from a minute on as a duration. */
export function formatStepTime(seconds: number): string {
  if (seconds < 0.9995) return `${(1000 * seconds).toPrecision(3)} ms`;
  return seconds < 59.95 ? `${seconds.toPrecision(3)} s` : formatDuration(seconds);
}
