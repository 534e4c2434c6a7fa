import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadRecipe } from "../config/index.ts";
import { elementAt } from "../util/elements.ts";
import { planSettings, readPlan } from "./read-plan.ts";
import { trialOverrides } from "./trial-overrides.ts";

const folder = fileURLToPath(new URL("../../bench/plans", import.meta.url));

test.each(readdirSync(folder))("the plan bench/plans/%s is sound", (name) => {
  const plan = readPlan(join(folder, name));
  const set = [...plan.set, `model.path=${folder}`];
  for (const recipe of plan.recipes)
    for (const setting of planSettings(plan, recipe, set)) {
      const candidate = elementAt(setting.candidates, 0);
      const common = { recipe, set, runs: "runs", command: [], threads: undefined };
      const overrides = trialOverrides({ setting, candidate, seed: 0 }, common);
      expect(loadRecipe(recipe, { set: overrides, needsData: false })).toMatchObject({
        adapter: { method: setting.method, ...setting.adapterOverrides },
        train: { lr: candidate.lr },
      });
    }
});
