import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { chooseDevice } from "./choose-device.ts";

test("each process of a machine has the GPU of its number, unless the recipe names one", () => {
  const third = { devices: 4, localRank: 2 };
  expect(["auto", "cuda", "cuda:1", "cpu"].map((wanted) => chooseDevice(wanted, third))).toEqual([
    "cuda:2",
    "cuda:2",
    "cuda:1",
    "cpu",
  ]);
  expect(chooseDevice("auto", { devices: 0, localRank: 2 })).toBe("cpu");
});

test.each([
  ["cuda", { devices: 0, localRank: 0 }, "cuda"],
  ["cuda:0", { devices: 0, localRank: 3 }, "cuda:0"],
  ["auto", { devices: 2, localRank: 2 }, "auto in process 2 of this machine"],
  ["cuda:7", { devices: 2, localRank: 1 }, "cuda:7"],
])("%s is refused with %o", (wanted, gpus, found) => {
  expect(() => chooseDevice(wanted, gpus)).toThrow(refusal("config", { where: "model.device", found }));
});
