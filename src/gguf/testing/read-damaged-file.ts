import { writeFileSync } from "node:fs";
import { loadTokenizer } from "../../model-files/load-tokenizer.ts";
import { loadModel } from "../../models/index.ts";
import { tokenStream } from "../../nn/index.ts";
import { noGrad, scope } from "../../torch/index.ts";
import { ScaloraError } from "../../util/errors.ts";
import type { Random } from "../../util/random.ts";
import { ggufConfig, ggufGenerationConfig, ggufWeights } from "../index.ts";
import { mutate } from "./damage-file.ts";

/** How a damaged file was taken. */
export type ReadOutcome = "read" | "refused";

/**
 * Reads and uses everything of a damaged copy of a file: every number, the tokenizer on a text, the model on a few tokens.
 * @param path where the copy is written
 * @throws whatever is thrown that is no ScaloraError of the file's own fault
 */
export async function readDamagedFile(
  file: Uint8Array,
  path: string,
  random: Random,
  reach: number,
): Promise<ReadOutcome> {
  writeFileSync(path, mutate(file, random, reach));
  const readers = [
    () => ggufConfig(path),
    () => ggufGenerationConfig(path),
    readNumbers,
    readTexts,
    runModel,
  ];
  const outcomes: ReadOutcome[] = [];
  for (const read of readers) outcomes.push(await tryRead(path, read));
  return outcomes.includes("read") ? "read" : "refused";
}

async function tryRead(path: string, read: (path: string) => unknown): Promise<ReadOutcome> {
  try {
    await read(path);
    return "read";
  } catch (error) {
    const isClear = error instanceof ScaloraError && (error.code === "format" || error.code === "model");
    if (isClear && error.where?.startsWith(path)) return "refused";
    throw error;
  }
}

function readNumbers(path: string): void {
  const weights = ggufWeights(path);
  try {
    for (const name of weights.entries.keys()) scope(() => weights.tensor(name).data());
  } finally {
    weights.dispose();
  }
}

async function readTexts(path: string): Promise<void> {
  const tokenizer = await loadTokenizer(path);
  const { ids } = await tokenizer.encode("The 3 cats' naïve\n\n  日本 <s> 😀");
  await tokenizer.decode(ids);
}

async function runModel(path: string): Promise<void> {
  using model = await loadModel(path);
  noGrad(() =>
    scope(() =>
      model.lm_head
        .forward(model.hiddenStates(tokenStream([0, 1, 2, 1], undefined, { device: "cpu" })))
        .toFloats(),
    ),
  );
}
