import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { expectSoundPlan } from "./testing/sound-plan.ts";

const folder = fileURLToPath(new URL("../../bench/plans", import.meta.url));

test.each(readdirSync(folder))("the plan bench/plans/%s is sound", (name) => {
  expectSoundPlan(join(folder, name), folder);
});
