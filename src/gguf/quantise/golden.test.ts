import { afterAll, describe, expect, test } from "vitest";
import { SafetensorsFile } from "../../safetensors/index.ts";
import { goldenGguf } from "../../testing/golden-gguf.ts";
import { ggufQuantize, scope, type Tensor } from "../../torch/index.ts";
import { dequantise } from "../dequantise.ts";
import { tensorTypeByName } from "../tensor-types.ts";

const fixture = SafetensorsFile.open(goldenGguf("quantised.safetensors"));
afterAll(() => fixture.dispose());

const types = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"];

/** The bytes of each row. */
function rowsOf(tensor: Tensor): Uint8Array[] {
  const { buffer, byteOffset } = tensor.data();
  const [rows, bytes] = [tensor.size(0), tensor.size(1)];
  return Array.from({ length: rows }, (_, row) =>
    new Uint8Array(buffer, byteOffset + row * bytes, bytes).slice(),
  );
}

describe.each(["plain", "weighted"])(
  "rows of every kind of number become the bytes that ggml makes of them, %s",
  (kind) => {
    test.each(types)("%s", (type) =>
      scope(() => {
        const importance = kind === "weighted" ? fixture.tensor("importance") : undefined;
        const found = rowsOf(ggufQuantize(fixture.tensor("input"), type, { importance }));
        const expected = rowsOf(fixture.tensor(`${type}.${kind}`));
        const different = expected.flatMap((row, index) =>
          Buffer.compare(row, found[index] ?? row.subarray(1)) ? [index] : [],
        );
        expect(different).toEqual([]);
        expect(found).toHaveLength(expected.length);
      }),
    );
  },
);

test("an importance moves the error to the columns that do not matter", () => {
  scope(() => {
    const [input, importance] = [fixture.tensor("input"), fixture.tensor("importance")];
    const columns = input.size(1);
    const values = input.toFloats().slice(0, 3 * columns);
    const weights = importance.toFloats();
    const errorOf = (kind: string) => {
      const bytes = rowsOf(fixture.tensor(`Q4_K.${kind}`)).slice(0, 3);
      const stored = dequantise(tensorTypeByName("Q4_K"), Buffer.concat(bytes));
      return stored.reduce(
        (sum, value, i) => sum + (weights[i % columns] ?? 0) * (value - (values[i] ?? 0)) ** 2,
        0,
      );
    };
    expect(errorOf("weighted")).toBeLessThan(0.8 * errorOf("plain"));
  });
});
