import { ScaloraError } from "../util/errors.ts";
import { isWithinLimits, limitsText, type NumberLimits } from "../util/number-limits.ts";

/** @throws ScaloraError `config` for a number beyond its limits */
export function checkRange(key: string, value: number, limits: NumberLimits): void {
  if (!isWithinLimits(value, limits)) throw outOfRange(key, limitsText(limits), value);
}

export const outOfRange = (key: string, expected: string, found: number): ScaloraError =>
  new ScaloraError("config", `${key} is out of range`, { expected, found: String(found) });
