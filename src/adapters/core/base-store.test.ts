import { expect, test } from "vitest";
import * as torch from "../../torch/index.ts";
import { elementAt } from "../../util/elements.ts";
import { joinHalves, splitHalves } from "./base-store.ts";

const float = (bits: number) => elementAt(new Float32Array(Int32Array.of(bits).buffer), 0);

// Even and odd upper halves with every kind of lower half, ties (0x8000) included; tiny, huge and negative numbers.
const patterns = [0x3f80, 0x3f81, 0x0001, 0x0000, 0x7f7f, 0xbf80, 0xbf81, 0x8001, 0xff7f].flatMap((upper) =>
  [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff].map((lower) => (upper << 16) | lower),
);

test("a split weight rejoins bit for bit, and its high half is the bfloat16 nearest to it, ties away from zero", () => {
  torch.scope(() => {
    const weight = torch.fromData(Float32Array.from(patterns, float), [patterns.length], { device: "cpu" });
    const { high, low } = splitHalves(weight);
    expect(high.dtype).toBe("bfloat16");
    expect(low.dtype).toBe("int16");
    const bits = torch.viewDType(joinHalves(high, low), "int32");
    expect([...bits.data()]).toEqual(patterns);
    const upper = Array.from(high.data(), Number);
    expect(upper).toEqual(patterns.map((pattern) => ((pattern + 0x8000) >> 16) & 0xffff));
    // torch rounds ties to even: its halves would not rejoin
    const rounded = Array.from(torch.toDType(weight, "bfloat16").data(), Number);
    expect(rounded).not.toEqual(upper);
  });
});
