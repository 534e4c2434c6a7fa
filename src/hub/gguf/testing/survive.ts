import { writeFileSync } from "node:fs";
import { ScaloraError } from "../../../util/errors.js";
import type { Random } from "../../../util/random.js";
import { assemble } from "../../tokenizer/assemble.js";
import { ggufConfig, ggufGenerationConfig, ggufTokenizer, ggufWeights } from "../index.js";
import { mutate } from "./mutate.js";

/** How a damaged file was taken. */
export type Outcome = "read" | "refused";

/**
 * Reads everything but the numbers of a damaged copy of a file.
 * @param path where the copy is written
 * @throws whatever is thrown that is no ScaloraError of the file's own fault
 */
export function survive(file: Uint8Array, path: string, random: Random, reach: number): Outcome {
  writeFileSync(path, mutate(file, random, reach));
  const readers = [
    () => ggufConfig(path),
    () => ggufGenerationConfig(path),
    () => ggufWeights(path).dispose(),
    () => {
      const { blueprint, settings } = ggufTokenizer(path);
      assemble(blueprint, settings);
    },
  ];
  const outcomes = readers.map((read): Outcome => {
    try {
      read();
      return "read";
    } catch (error) {
      if (error instanceof ScaloraError && error.code === "format" && error.where?.startsWith(path))
        return "refused";
      throw error;
    }
  });
  return outcomes.includes("read") ? "read" : "refused";
}
