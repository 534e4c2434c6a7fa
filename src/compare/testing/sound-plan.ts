import { expect } from "vitest";
import { loadRecipe } from "../../config/index.ts";
import { elementAt } from "../../util/elements.ts";
import { readPlan, settingFor } from "../read-plan.ts";
import { splitSweep } from "../sweep-options.ts";
import { trialOverrides } from "../trial-overrides.ts";

/** Expects that the first run of each setting of a plan is a sound recipe with the setting's method, keys and rate. */
export function expectSoundPlan(path: string, model: string): void {
  const { plan, issues } = readPlan(path);
  expect(issues).toEqual([]);
  const set = [...plan.set, `model.path=${model}`];
  for (const recipe of plan.recipes)
    for (const [name, { method, adapter, lr }] of Object.entries(plan.settings)) {
      const setting = settingFor({ name, method, lr, ...splitSweep(adapter, name) }, recipe, set);
      const candidate = elementAt(setting.candidates, 0);
      const common = { recipe, set, runs: "runs", command: [], threads: undefined };
      const overrides = trialOverrides({ setting, candidate, seed: 0 }, common);
      expect(loadRecipe(recipe, { set: overrides, needsData: false })).toMatchObject({
        adapter: { method: setting.method, ...setting.adapterOverrides },
        train: { lr: candidate.lr },
      });
    }
}
