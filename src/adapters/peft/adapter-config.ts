import { existsSync } from "node:fs";
import { join } from "node:path";
import { ScaloraError } from "../../util/errors.ts";
import { readJsonObject } from "../../util/json-file.ts";
import { toPlainValue } from "../../util/strict-json.ts";
import { MatchTime, MatchTimeout } from "../../util/timed-regexp.ts";

export const adapterConfigName = "adapter_config.json";

/** `adapter_config.json`: `peft_type`, `r`, `lora_alpha`, `target_modules`, … */
export type PeftConfig = Readonly<Record<string, unknown>>;

/** The config of a PEFT adapter folder. @throws ScaloraError `model` or `format` */
export function readAdapterConfig(folder: string): PeftConfig {
  if (folder.endsWith(".gguf"))
    throw new ScaloraError("model", "Adapters are read from PEFT folders, not from GGUF files", {
      where: folder,
      fix: "export the run as adapter into a folder (--as adapter, without --format gguf)",
    });
  if (!existsSync(join(folder, adapterConfigName))) {
    throw new ScaloraError("model", `The folder has no ${adapterConfigName}, so it is not a PEFT adapter`, {
      where: folder,
    });
  }
  return plainRecord(toPlainValue(readJsonObject(join(folder, adapterConfigName))));
}

function plainRecord(value: unknown): Record<string, unknown> {
  return { ...(typeof value === "object" ? value : {}) };
}

/**
 * The numerators of layers' scales: `lora_alpha`, but where a key of `alpha_pattern` matches the end of a path.
 * @throws ScaloraError `format` for a pattern that is no regular expression, or with which all take longer than a second; the
 * function, for a value that is not a number
 */
export function loraAlphas(
  folder: string,
  config: PeftConfig,
  paths: readonly string[],
): (path: string) => number {
  const patterns = Object.entries(plainRecord(config["alpha_pattern"]));
  const keys = patterns.map(([key]) => key);
  const first = keys.length === 0 ? [] : firstMatches(folder, keys, paths);
  const alphas = new Map(paths.map((path, i) => [path, patterns[first[i] ?? -1]?.[1]]));
  return (path) => requireNumber(folder, "lora_alpha", alphas.get(path) ?? config["lora_alpha"]);
}

/** For each path the first pattern that describes its end, or -1. */
function firstMatches(folder: string, patterns: readonly string[], paths: readonly string[]): number[] {
  const expressions: RegExp[] = [];
  try {
    for (const pattern of patterns) expressions.push(new RegExp(`^(.*\\.)?(${pattern})$`));
    return new MatchTime().firstMatches(expressions, paths);
  } catch (cause) {
    // The one that is being matched, or else the one that could not be made.
    const isSlow = cause instanceof MatchTimeout;
    const fault = isSlow ? "takes longer than a second to match" : "is not a regular expression";
    throw new ScaloraError("format", `A pattern of the adapter ${fault}`, {
      where: `${join(folder, adapterConfigName)}, alpha_pattern`,
      found: patterns[isSlow ? expressions.indexOf(cause.expression) : expressions.length],
      fix: "correct the pattern, or remove it if all layers have lora_alpha",
      cause,
    });
  }
}

/** A number of a folder's config. @throws ScaloraError `format` */
export function requireNumber(folder: string, key: string, value: unknown): number {
  if (typeof value === "number") return value;
  throw new ScaloraError("format", `The adapter's ${key} is not a number`, {
    where: folder,
    found: JSON.stringify(value),
  });
}
