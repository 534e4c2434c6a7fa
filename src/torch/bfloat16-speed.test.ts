import { expect, test, vi } from "vitest";
import { measureBfloat16 } from "./bfloat16-speed.ts";
import { fastLinear } from "./operators.generated.ts";
import { setThreads } from "./system.ts";

vi.mock("./operators.generated.ts", { spy: true });

/** A clock by which a product in float32 takes 2 ms and one in bfloat16 as given. */
function clockWith(bfloat16: number, busyThreads = 1) {
  const now = { wall: 0, cpu: 0 };
  return () => {
    const passed = vi.mocked(fastLinear).mock.lastCall?.[0].dtype === "bfloat16" ? bfloat16 : 2;
    now.wall += passed;
    now.cpu += passed * busyThreads;
    return { ...now };
  };
}

test.each([
  ["half as fast as float32", 4, 0.5],
  ["twice as fast", 1, 2],
])("bfloat16 is %s", (_, bfloat16, median) => {
  setThreads(1);
  expect(measureBfloat16(clockWith(bfloat16))).toMatchObject({ median });
});

test("nothing is said of dtypes that are alike, or by a machine that is too busy", () => {
  setThreads(1);
  expect(measureBfloat16(clockWith(2))).toBeUndefined();
  expect(measureBfloat16(clockWith(4, 0.5))).toBeUndefined();
});
