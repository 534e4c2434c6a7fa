import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

// The tests that mutation testing runs: those of the mutated files.
export default defineConfig({
  test: {
    ...base.test,
    projects: undefined,
    include: [
      "src/adapters/scalora/**/*.test.ts",
      "src/optim/*.test.ts",
      "src/train/{step,classification,truncated-weights}.test.ts",
      "src/nn/causal-loss.test.ts",
    ],
  },
});
