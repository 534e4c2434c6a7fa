import { copyGolden } from "./golden-models.ts";

/** Makes a model folder of a golden case of `tools/reference/llama.py` in a new folder under `scratch`. */
export function copyGoldenLlama(scratch: string, name: string): string {
  return copyGolden(scratch, "llama", name);
}
