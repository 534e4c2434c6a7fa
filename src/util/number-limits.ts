/** What a number from outside may be. */
export interface NumberLimits {
  /** An integer, no larger than JavaScript counts exactly. */
  readonly whole?: boolean;
  readonly least?: number | undefined;
  readonly above?: number | undefined;
  readonly most?: number | undefined;
  readonly below?: number | undefined;
}

/** Whether a value is a finite number within limits. */
export function isWithinLimits(
  value: unknown,
  { whole, least, above, most, below }: NumberLimits,
): value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (whole === true && !Number.isSafeInteger(value)) return false;
  if (least !== undefined && value < least) return false;
  if (above !== undefined && value <= above) return false;
  if (most !== undefined && value > most) return false;
  return below === undefined || value < below;
}

/** The limits in words that complete "expected …": `an integer, at least 1`; `a number above 0, at most 1`. */
export function limitsText({ whole, least, above, most, below }: NumberLimits): string {
  const noun = whole === true ? "an integer" : "a number";
  const limits = [
    least === undefined ? "" : `at least ${least}`,
    below === undefined ? "" : `below ${below}`,
    most === undefined ? "" : `at most ${most}`,
  ].filter((limit) => limit !== "");
  return [above === undefined ? noun : `${noun} above ${above}`, ...limits].join(", ");
}
