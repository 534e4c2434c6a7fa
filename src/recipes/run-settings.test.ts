import { afterAll, expect, test } from "vitest";
import { minimal, recipeFolder } from "../config/testing/recipe-folder.ts";
import { scheduleAndSettings } from "./run-settings.ts";

const folder = recipeFolder();
afterAll(folder.remove);

test.each([
  [8, 20],
  [60, 20],
  [200, 20],
  [201, 21],
  [3000, 300],
])(
  "a run of %d steps evaluates every %d steps and saves by time, unless it is told otherwise",
  (steps, often) => {
    expect(scheduleAndSettings(folder.load(minimal), steps).settings).toMatchObject({
      evalEvery: often,
      saveSeconds: 300,
    });
    const told = folder.load(minimal, ["train.evalEvery=2", "train.saveEvery=3"]);
    const { settings } = scheduleAndSettings(told, steps);
    expect(settings).toMatchObject({ evalEvery: 2, saveEvery: 3 });
    expect(settings).not.toHaveProperty("saveSeconds");
  },
);
