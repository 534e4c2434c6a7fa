import { expect, test } from "vitest";
import { nearestName } from "./nearest-name.ts";

test("the nearest name is found whatever its case and separators, the first of equals; none where none is near", () => {
  expect(nearestName("learning_rat", ["lr", "learningRate", "rank"])).toBe("learningRate");
  expect(nearestName("Q-PROJ", ["k_proj", "q_proj"])).toBe("q_proj");
  expect(nearestName("ab", ["ac", "ad"])).toBe("ac");
  expect(nearestName("rank", ["dropout", "targets"])).toBeUndefined();
  expect(nearestName("rank", [])).toBeUndefined();
});
