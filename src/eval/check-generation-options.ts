import { ScaloraError } from "../util/errors.ts";
import type { Sampling } from "./sampling.ts";

/** Options shared by all functions that generate text. */
interface GenerationOptions extends Sampling {
  readonly maxTokens: number;
  readonly stop: readonly string[];
}

/** Whether an option is valid, its name, the expected values, and its value. */
type OptionCheck = readonly [good: boolean, where: string, expected: string, found: unknown];

/**
 * @param more checks of the caller's own options
 * @throws ScaloraError `usage` naming the first invalid option
 */
export function checkGenerationOptions(
  { maxTokens, temperature, topK = 1, topP = 1, stop }: GenerationOptions,
  more: readonly OptionCheck[] = [],
): void {
  const checks: readonly OptionCheck[] = [
    positiveIntegerCheck("maxTokens", maxTokens),
    [Number.isFinite(temperature) && temperature >= 0, "temperature", "a number ≥ 0", temperature],
    positiveIntegerCheck("topK", topK),
    [topP > 0 && topP <= 1, "topP", "a number above 0, at most 1", topP],
    [!stop.includes(""), "stop", "texts that are not empty", '""'],
    ...more,
  ];
  for (const [good, where, expected, found] of checks) {
    if (good) continue;
    throw new ScaloraError("usage", "A generation option is invalid", {
      where,
      expected,
      found: String(found),
    });
  }
}

/** The check of an option that must be a positive integer. */
export function positiveIntegerCheck(name: string, value: number): OptionCheck {
  return [Number.isSafeInteger(value) && value >= 1, name, "an integer ≥ 1", value];
}
