import { ScaloraError } from "../util/errors.ts";
import { isWithinLimits, limitsText, type NumberLimits } from "../util/number-limits.ts";
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
    numberCheck("temperature", temperature, { least: 0 }),
    positiveIntegerCheck("topK", topK),
    numberCheck("topP", topP, { above: 0, most: 1 }),
    [isListOfTexts(stop), "stop", "a list of texts that are not empty", JSON.stringify(stop)],
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

/** A program without types may give one text, in which any other is looked for. */
const isListOfTexts = (stop: unknown) =>
  Array.isArray(stop) && stop.every((text) => typeof text === "string" && text !== "");

/** The check of a count. */
export const positiveIntegerCheck = (name: string, value: number): OptionCheck =>
  numberCheck(name, value, { whole: true, least: 1 });

const numberCheck = (name: string, value: number, limits: NumberLimits): OptionCheck => [
  isWithinLimits(value, limits),
  name,
  limitsText(limits),
  value,
];
