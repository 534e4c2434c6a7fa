import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { goldenGguf } from "../../testing/golden-gguf.ts";
import { elementAt } from "../../util/elements.ts";
import { chooseTypes } from "./choose-types.ts";

interface Case {
  readonly architecture: string;
  readonly layers: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly width: number;
  readonly hidden: number;
  readonly tied: boolean;
  readonly types: Readonly<Record<string, string>>;
}

const cases: Case[] = JSON.parse(readFileSync(goldenGguf("types.json"), "utf8"));
const fileTypes = ["Q4_0", "Q8_0", "Q4_K_M", "Q5_K_M", "Q6_K"] as const;

/** The tensors that tools/reference/gguf_types.cpp asks llama.cpp about. */
function shapesOf({ layers, width, hidden, tied }: Case) {
  const vector = (name: string) => ({ name: `${name}.weight`, shape: [width] });
  const matrix = (name: string, columns = width, rows = 64) => ({
    name: `${name}.weight`,
    shape: [rows, columns],
  });
  const layer = (_: unknown, index: number) => [
    vector(`blk.${index}.attn_norm`),
    matrix(`blk.${index}.attn_q`),
    matrix(`blk.${index}.attn_v`),
    matrix(`blk.${index}.ffn_down`, hidden),
    matrix(`blk.${index}.ffn_up`),
  ];
  const outside = [...(tied ? [] : [matrix("output")]), vector("output_norm"), matrix("token_embd")];
  return [...outside, ...Array.from({ length: layers }, layer).flat()];
}

const factsOf = ({ architecture, layers, heads, keyHeads }: Case) => ({
  architecture,
  layers,
  groupedHeads: heads !== keyHeads,
  hasImatrix: false,
});

describe.each(cases.map((model, index) => ({ model, title: `${model.architecture} ${index}` })))(
  "$title: each tensor gets the type that llama.cpp gives it",
  ({ model }) => {
    test.each(fileTypes)("%s", (fileType) => {
      const { types } = chooseTypes(fileType, shapesOf(model), factsOf(model));
      const expected = model.types[fileType]?.toUpperCase().split(" ") ?? [];
      expect([...types].map(([name, type]) => `${name} ${type.name}`)).toEqual(
        shapesOf(model).map(({ name }, i) => `${name} ${expected[i]}`),
      );
    });
  },
);

test("rows that do not divide into blocks are told, with what they become", () => {
  const smollm2 = elementAt(cases, 0);
  expect(chooseTypes("Q4_K_M", shapesOf(smollm2), factsOf(smollm2)).fallbacks).toEqual([
    { wanted: "Q6_K", stored: "Q8_0", tensors: 15, rowLength: 576 },
    { wanted: "Q4_K", stored: "Q5_0", tensors: 76, rowLength: 576 },
  ]);
  const odd = cases.find(({ layers }) => layers === 9) ?? expect.fail("no such case");
  expect(chooseTypes("Q8_0", shapesOf(odd), factsOf(odd)).fallbacks).toEqual([
    { wanted: "Q8_0", stored: "F16", tensors: 37, rowLength: 33 },
  ]);
});

test("with an importance matrix the first eighth of the MLPs' last matrices is Q4_1 in a Q4_0 file", () => {
  const smollm2 = elementAt(cases, 0);
  const { types } = chooseTypes("Q4_0", shapesOf(smollm2), { ...factsOf(smollm2), hasImatrix: true });
  const offset = [...types].filter(([, { name }]) => name === "Q4_1").map(([name]) => name);
  expect(offset).toEqual([0, 1, 2].map((layer) => `blk.${layer}.ffn_down.weight`));
});

test("plain types hold all matrices, and vectors stay in F32", () => {
  const smollm2 = elementAt(cases, 0);
  const { types, fallbacks } = chooseTypes("BF16", shapesOf(smollm2), factsOf(smollm2));
  expect(new Set([...types].map(([name, type]) => `${/norm/.test(name)} ${type.name}`))).toEqual(
    new Set(["true F32", "false BF16"]),
  );
  expect(fallbacks).toEqual([]);
});
