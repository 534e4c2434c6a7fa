import { expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { chooseDevice } from "./choose-device.ts";

test("each process of a machine has the GPU of its number; one alone may name another", () => {
  const third = { devices: 4, localRank: 2 };
  expect(["auto", "cuda", "cpu"].map((wanted) => chooseDevice(wanted, third))).toEqual([
    "cuda:2",
    "cuda:2",
    "cpu",
  ]);
  expect(chooseDevice("cuda:3", { devices: 4, localRank: 0 })).toBe("cuda:3");
  expect(chooseDevice("auto", { devices: 0, localRank: 2 })).toBe("cpu");
});

test.each([
  ["cuda", { devices: 0, localRank: 0 }, { found: "cuda", fix: "scalora doctor" }],
  ["cuda:7", { devices: 2, localRank: 0 }, { found: "cuda:7", expected: "cuda:0 to cuda:1" }],
  ["cuda:0", { devices: 2, localRank: 1 }, { found: "cuda:0 in process 1", fix: "model.device: cuda," }],
  ["auto", { devices: 2, localRank: 2 }, { found: "process 2, counted from 0, and 2 GPUs" }],
])("%s is refused with %o", (wanted, gpus, parts) => {
  expect(() => chooseDevice(wanted, gpus)).toThrow(refusal("config", { where: "model.device", ...parts }));
});
