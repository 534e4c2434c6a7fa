import { expect, test } from "vitest";
import { lendEngineVariables } from "./lend-engine-variables.ts";

test("variables of libtorch are set for a while, and what was set stays", () => {
  const env: NodeJS.ProcessEnv = { OMP_NUM_THREADS: "3", OTHER: "x" };
  const first = lendEngineVariables(env);
  const second = lendEngineVariables(env);
  expect(env).toMatchObject({ OMP_NUM_THREADS: "3", OMP_WAIT_POLICY: "passive", OTHER: "x" });
  first();
  second();
  first();
  expect(env).toEqual({ OMP_NUM_THREADS: "3", OTHER: "x" });
});
