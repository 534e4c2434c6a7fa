import { copyFileSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "../hub/safetensors/index.js";

const golden = fileURLToPath(new URL("../../test/golden/llama", import.meta.url));

/**
 * Makes a model folder of a golden case of `tools/reference/llama.py` in a new folder under `scratch`: its config with
 * the weights it uses, which may be those of another case.
 */
export function copyGoldenLlama(scratch: string, name: string): string {
  const { metadata } = readSafetensors(join(golden, name, "expected.safetensors"));
  const folder = mkdtempSync(join(scratch, "llama-"));
  copyFileSync(join(golden, name, "config.json"), join(folder, "config.json"));
  const weights = metadata.get("weights") ?? name;
  copyFileSync(join(golden, weights, "model.safetensors"), join(folder, "model.safetensors"));
  return folder;
}
