import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SafetensorsFile } from "../safetensors/index.ts";
import { parseLlamaConfig } from "./llama/config.ts";
import "../testing/close-to.ts";
import { ropeFrequencies } from "../nn/index.ts";
import { tolerances } from "../testing/tolerances.ts";
import { elementAt } from "../util/elements.ts";

const golden = fileURLToPath(new URL("../../test/golden/rope/", import.meta.url));

interface RopeCase {
  name: string;
  config: Record<string, unknown>;
  length: number;
}

const cases: RopeCase[] = JSON.parse(readFileSync(`${golden}cases.json`, "utf8"));

test.each(cases)("$name: frequencies and scale equal transformers'", ({ name, config, length }) => {
  using file = SafetensorsFile.open(`${golden}tables.safetensors`);
  using expected = file.tensor(name);
  using scale = file.tensor(`${name}.scale`);
  const { layers, headDim, maxPositions } = parseLlamaConfig(config, name);
  const table = ropeFrequencies(elementAt(layers, 0).rope, { headDim, maxPositions }, length);
  const reference = expected.toFloats();
  // Each frequency by itself: the small ones matter at long positions as much as the large ones.
  expect(table.inverseFrequencies.map((value, i) => value / elementAt(reference, i))).toBeCloseToAll(
    reference.map(() => 1),
    tolerances.ropeTable,
  );
  expect(table.attentionScaling).toBe(scale.item());
});
