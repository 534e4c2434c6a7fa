import { existsSync } from "node:fs";
import { join } from "node:path";
import { ggufGenerationConfig, isGgufFile } from "../gguf/index.ts";
import { ScaloraError } from "../util/errors.ts";
import { readJsonObject } from "../util/json-file.ts";
import { isWithinLimits, limitsText } from "../util/number-limits.ts";
import { toPlainValue } from "../util/strict-json.ts";

/**
 * The EOS token ids of a model folder or GGUF file: `eos_token_id` of generation_config.json, else of config.json, which hold
 * one, several or none.
 * @throws ScaloraError `model` for an entry that is not a token id
 */
export function readEosTokenIds(path: string): number[] {
  if (isGgufFile(path)) return toTokenIds(ggufGenerationConfig(path)["eos_token_id"] ?? [], path);
  for (const name of ["generation_config.json", "config.json"]) {
    const file = join(path, name);
    if (!existsSync(file)) continue;
    const value = readJsonObject(file).get("eos_token_id");
    if (value !== undefined && value !== null) return toTokenIds(toPlainValue(value), file);
  }
  return [];
}

function toTokenIds(plain: unknown, where: string): number[] {
  const numbers: unknown[] = Array.isArray(plain) ? plain : [plain];
  return numbers.map((number) => {
    const limits = { whole: true, least: 0 };
    if (isWithinLimits(number, limits)) return number;
    throw new ScaloraError("model", "An EOS token is not a token id", {
      where: `${where}: eos_token_id`,
      expected: `${limitsText(limits)}, or a list of them`,
      found: JSON.stringify(plain),
    });
  });
}
