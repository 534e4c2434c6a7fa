import { existsSync } from "node:fs";
import { join } from "node:path";
import { ScaloraError } from "../../util/errors.ts";
import { readJsonObject } from "../../util/json-file.ts";
import { toPlainValue } from "../../util/strict-json.ts";
import { testWithinTime } from "../../util/timed-regexp.ts";

export const adapterConfigName = "adapter_config.json";

/** `adapter_config.json`: `peft_type`, `r`, `lora_alpha`, `target_modules`, … */
export type PeftConfig = Readonly<Record<string, unknown>>;

/** The config of a PEFT adapter folder. @throws ScaloraError `model` or `format` */
export function readAdapterConfig(folder: string): PeftConfig {
  if (folder.endsWith(".gguf"))
    throw new ScaloraError("model", "Adapters are read from PEFT folders, not from GGUF files", {
      where: folder,
      fix: "export the run --as adapter without --format gguf",
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

/** The numerator of a layer's scale. @throws ScaloraError `format` */
export function loraAlpha(folder: string, config: PeftConfig, path: string): number {
  return requireNumber(
    folder,
    "lora_alpha",
    patternValue(folder, config["alpha_pattern"], path) ?? config["lora_alpha"],
  );
}

/** PEFT's `rank_pattern` and its like: a key matches a path that ends with it. */
function patternValue(folder: string, patterns: unknown, path: string): unknown {
  if (typeof patterns !== "object" || patterns === null) return undefined;
  return Object.entries(patterns).find(([key]) => matchesEnd(folder, key, path))?.[1];
}

/** Whether a path ends with what a pattern describes. The pattern comes with the adapter, and may be made to take for ever. */
function matchesEnd(folder: string, pattern: string, path: string): boolean {
  try {
    return testWithinTime(new RegExp(`^(.*\\.)?(${pattern})$`), path);
  } catch (cause) {
    throw new ScaloraError(
      "format",
      "A pattern of the adapter is not a regular expression, or takes for ever",
      {
        where: `${join(folder, adapterConfigName)}, alpha_pattern`,
        found: pattern,
        fix: "correct the pattern, or remove it if all layers have lora_alpha",
        cause,
      },
    );
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
