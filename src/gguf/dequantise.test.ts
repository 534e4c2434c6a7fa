import { afterAll, describe, expect, test } from "vitest";
import { SafetensorsFile } from "../safetensors/index.ts";
import { goldenGguf } from "../testing/golden-gguf.ts";
import { fromData, scope } from "../torch/index.ts";
import { dequantise } from "./dequantise.ts";
import { encodeTensor } from "./encode-tensor.ts";
import { tensorTypeByName } from "./tensor-types.ts";

const fixture = SafetensorsFile.open(goldenGguf("blocks.safetensors"));
afterAll(() => fixture.dispose());

function bytesOf(name: string): Uint8Array {
  using tensor = fixture.tensor(name);
  const { buffer, byteOffset, byteLength } = tensor.data();
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The bits of float32 numbers; all that is no number is one. */
function bits(bytes: Uint8Array): Uint32Array {
  const values = new Float32Array(bytes.slice().buffer);
  return Uint32Array.from(new Uint32Array(values.buffer), (bit, i) =>
    Number.isNaN(values[i]) ? 0x7fc00000 : bit,
  );
}

describe("blocks of every type become the numbers that gguf's package has, bit for bit", () => {
  test.each(["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"])("%s", (name) => {
    const expected = bits(bytesOf(`${name}.values`));
    const found = dequantise(tensorTypeByName(name), bytesOf(`${name}.bytes`));
    expect(found).toHaveLength(44 * tensorTypeByName(name).blockSize);
    expect(bits(new Uint8Array(found.buffer))).toEqual(expected);
  });
});

test("numbers are quantised to Q8_0 as gguf's package does, bit for bit", () => {
  const values = new Float32Array(bytesOf("Q8_0.input").slice().buffer);
  const found = scope(() =>
    encodeTensor(fromData(values, [values.length], { device: "cpu" }), tensorTypeByName("Q8_0")),
  );
  expect(found).toEqual(bytesOf("Q8_0.output"));
});
